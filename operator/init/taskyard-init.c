// SPDX-License-Identifier: Apache-2.0
/*
 * taskyard-init: the one program of Taskyard that runs in an agent's container.
 *
 *   taskyard-init install DIR            copies itself to DIR/taskyard-init, with taskyard-report beside it
 *   taskyard-init report ...             the same as taskyard-report, see report.c
 *   taskyard-init run --socket PATH ...  is process 1 there: waits for "go" on the socket, starts the
 *                                        command in a terminal or with pipes, carries bytes between it and
 *                                        clients, reaps orphans, ends with the command's status
 *
 * The frames are described in docs/contracts.md. The program is one thread around one poll(). Memory is
 * bounded: all clients read from one ring of the terminal's output (with pipes one for each of the two), each at
 * a position of its own, and the terminal is not read while one of them is too far behind; of what a client
 * sends, one frame at a time is held, and no more is read from it until the terminal has taken that frame.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "report.h"
#include "upload.h"

#ifndef TASKYARD_VERSION
#define TASKYARD_VERSION "0.1.0"
#endif

enum {
    PROTOCOL_VERSION = 1,
    MAX_CLIENTS = 32,
    FRAME_HEADER = 5,
    HELLO_PAYLOAD = 34,
    FRAME_IN_MAX = 1 << 20,          /* largest frame taken from a client */
    WINDOW = 256 << 10,              /* replay for a new client, and how far a client may fall behind */
    READ_MAX = 64 << 10,             /* read from or written to the terminal in one turn of the loop */
    RING_SIZE = WINDOW + READ_MAX,   /* so nothing a client still has to get is overwritten */
    PROMPT_VARIABLE_MAX = 120000,    /* Linux allows 128 KiB for one NAME=VALUE */
};

/* Milliseconds. */
enum {
    STALL_LIMIT = 5000,  /* a client that takes nothing for this long while it holds things up is dropped */
    REST = 100,          /* between looks at what cannot be waited for with poll() */
    DRAIN_QUIET = 100,   /* after the command's end the terminal counts as empty when silent this long, */
    DRAIN_LIMIT = 2000,  /* or after this time at the latest */
    FLUSH_LIMIT = 2000,  /* for the clients to take what is left and the exit frame */
};

enum { RETRY_MOST = 300000 }; /* between two attempts */

enum { EXIT_OWN_ERROR = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, EXIT_TERMINATED = 143 };

enum frame_type {
    HELLO = 1, GO = 2, OUTPUT = 3, INPUT = 4, RESIZE = 5, EXIT = 6,
    ERRORS = 7,     /* standard error, where it has a pipe of its own */
    END_INPUT = 8,
    INTERRUPT = 9,
    FILE_BEGIN = 10, FILE_DATA = 11, FILE_END = 12,
    FILE_STORED = 13,
};

/* What the command says: the terminal or standard output, and standard error. */
enum { MAIN, ERROR, STREAMS };
static const enum frame_type FRAME_OF[STREAMS] = {OUTPUT, ERRORS};

enum phase {
    WAITING,   /* for go */
    RUNNING,   /* the command runs */
    DRAINING,  /* the command has ended; the terminal may hold output of it */
    RESTING,   /* between two attempts */
    FLUSHING,  /* the clients get what is left and the exit frame */
};

struct stream {
    int fd;                  /* -1: there is none, or it has ended */
    uint64_t total;          /* bytes since the start; the newest are in the ring */
    uint8_t ring[RING_SIZE];
};

struct client {
    int fd;                  /* -1: this place is free */
    bool deaf;               /* its side is closed: nothing more can be sent, what it sent is still taken */
    uint8_t header[FRAME_HEADER];
    uint32_t header_got;
    uint8_t *payload;        /* of the frame that is arriving, or that waits for the terminal */
    uint32_t payload_size, payload_got, delivered;
    uint64_t ticket;         /* not 0: its input frame is complete and waits; the lowest is next */
    uint8_t head[FRAME_HEADER + UPLOAD_ANSWER_MAX]; /* what is being sent; the bytes after it come from the ring */
    size_t head_size, head_sent;
    uint32_t frame_left;
    int sending;             /* the stream of that frame */
    uint64_t position[STREAMS]; /* of the next byte for it, counted as `total` is */
    bool exit_queued;
    struct upload upload;    /* the file that it sends */
    uint8_t stored[UPLOAD_ANSWER_MAX]; /* what became of the file before */
    size_t stored_size;      /* 0: it has been told */
    int64_t progress_at;     /* when it last took or gave something */
    int64_t held_since;      /* since when it has held up the terminal; 0: it does not */
};

struct server {
    /* What was asked for. */
    const char *socket_path;
    char **command;
    bool pipes, merged;      /* pipes instead of a terminal; one for standard output and error */
    uint16_t columns, rows;  /* 0 with pipes */
    int64_t hangup_after, kill_after, retry_after;
    unsigned retries;        /* further attempts after a failure */
    mode_t umask;            /* the container's, for the command */

    /* The socket. */
    int signals, listener;
    dev_t socket_device;
    ino_t socket_inode;
    int64_t accept_again_at; /* no accept() before, after it failed; 0: none */
    uint8_t instance[16];
    struct client clients[MAX_CLIENTS];
    uint64_t last_ticket;

    /* The command. In a terminal `in` and the main stream are one descriptor. */
    enum phase phase;
    pid_t pid;
    int status;
    int in;
    unsigned attempt;        /* from 0 */
    int64_t retry_at;
    int64_t rest_until;      /* nobody has the terminal open: look again then; 0: somebody has */
    bool output_ended;
    int64_t quiet_since, drain_by, flush_by;

    /* The way down. */
    bool stopping;
    int64_t stopping_since;
    int steps_taken;

    struct stream streams[STREAMS];
};

#define FOR_EACH_CLIENT(c, s) \
    for (__auto_type c = &(s)->clients[0]; c < &(s)->clients[MAX_CLIENTS]; c++) \
        if (c->fd >= 0)

/* ---- Messages and small things ---------------------------------------------------------------------- */

/* One line on standard error: the container's log. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
    char line[1024] = "taskyard-init: ";
    size_t start = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + start, sizeof line - start - 1, format, arguments);
    va_end(arguments);
    strcat(line, "\n");
    /* One write, so that lines of several processes do not mix. Nothing can be done when it fails. */
    if (write(STDERR_FILENO, line, strlen(line)) < 0) return;
}

#define FAIL(...) (say(__VA_ARGS__), exit(EXIT_OWN_ERROR))

static int64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void put_number(uint8_t *to, uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; i--, value >>= 8) to[i] = (uint8_t)value;
}

static uint32_t get_number(const uint8_t *from, int bytes) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | from[i];
    return value;
}

static void fill_random(uint8_t *to, size_t size) {
    if (getrandom(to, size, 0) != (ssize_t)size) FAIL("cannot get random bytes: %s", strerror(errno));
}

/* Makes or replaces a file at once: a reader sees the old content or the new one. The temporary file is new
 * (no link is followed, nobody else has it open). Returns false with errno and no file left behind. */
static bool replace_file(const char *path, mode_t mode, const uint8_t *content, size_t size) {
    char temporary[PATH_MAX];
    uint8_t suffix[4];
    fill_random(suffix, sizeof suffix);
    int length = snprintf(temporary, sizeof temporary, "%s.%08x", path, get_number(suffix, 4));
    if (length >= (int)sizeof temporary) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0700);
    if (fd < 0) return false;
    bool done = true;
    for (size_t at = 0; done && at < size;) {
        ssize_t n = write(fd, content + at, size - at);
        if (n > 0) at += (size_t)n;
        else if (n == 0 || errno != EINTR) done = false;
    }
    done = done && fchmod(fd, mode) == 0;
    done = close(fd) == 0 && done; /* before the rename: a program that is open for writing cannot be run */
    if (done && rename(temporary, path) == 0) return true;
    int error = errno;
    unlink(temporary);
    errno = error;
    return false;
}

/* ---- install ---------------------------------------------------------------------------------------- */

/* The name under which the program is taskyard-report. */
static void link_report(const char *directory) {
    char path[PATH_MAX], temporary[PATH_MAX];
    uint8_t suffix[4];
    fill_random(suffix, sizeof suffix);
    if (snprintf(path, sizeof path, "%s/taskyard-report", directory) >= (int)sizeof path ||
        snprintf(temporary, sizeof temporary, "%s/taskyard-report.%08x", directory, get_number(suffix, 4)) >=
            (int)sizeof temporary)
        FAIL("cannot install into a path of more than %d bytes", PATH_MAX);
    if (symlink("taskyard-init", temporary) == 0 && rename(temporary, path) == 0) return;
    int error = errno;
    unlink(temporary);
    FAIL("cannot install %s: %s", path, strerror(error));
}

static int install(const char *directory) {
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/taskyard-init", directory) >= (int)sizeof path)
        FAIL("cannot install into a path of more than %d bytes", PATH_MAX);
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (self < 0 || fstat(self, &info) != 0) FAIL("cannot read /proc/self/exe: %s", strerror(errno));
    void *content = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, self, 0);
    if (content == MAP_FAILED) FAIL("cannot read /proc/self/exe: %s", strerror(errno));
    if (!replace_file(path, 0755, content, (size_t)info.st_size))
        FAIL("cannot install %s: %s", path, strerror(errno));
    munmap(content, (size_t)info.st_size);
    close(self);
    link_report(directory);
    return 0;
}

/* ---- The socket ------------------------------------------------------------------------------------- */

static void open_socket(struct server *s) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(s->socket_path) >= sizeof address.sun_path)
        FAIL("the socket's path is too long (%zu bytes, at most %zu): %s", strlen(s->socket_path),
             sizeof address.sun_path - 1, s->socket_path);
    strcpy(address.sun_path, s->socket_path);

    struct stat info;
    if (lstat(s->socket_path, &info) == 0) { /* left by an earlier run of the container */
        if (!S_ISSOCK(info.st_mode)) FAIL("%s exists and is not a socket", s->socket_path);
        if (unlink(s->socket_path) != 0 && errno != ENOENT)
            FAIL("cannot remove the old socket %s: %s", s->socket_path, strerror(errno));
    }
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->listener < 0) FAIL("cannot open a socket: %s", strerror(errno));
    /* The sidecar has another user id, so everybody may connect; the mode is right from the first moment. */
    umask(0111);
    int bound = bind(s->listener, (struct sockaddr *)&address, sizeof address);
    umask(s->umask);
    if (bound != 0) FAIL("cannot bind the socket %s: %s", s->socket_path, strerror(errno));
    if (listen(s->listener, 4 * MAX_CLIENTS) != 0 || lstat(s->socket_path, &info) != 0)
        FAIL("cannot listen on the socket %s: %s", s->socket_path, strerror(errno));
    s->socket_device = info.st_dev;
    s->socket_inode = info.st_ino;
}

/* Removes the socket, unless another run has put its own there. */
static void remove_socket(const struct server *s) {
    struct stat info;
    if (lstat(s->socket_path, &info) == 0 && info.st_dev == s->socket_device &&
        info.st_ino == s->socket_inode)
        unlink(s->socket_path);
}

/* ---- Clients: sending ------------------------------------------------------------------------------- */

static void begin_frame(struct client *c, enum frame_type type, uint32_t size) {
    c->head[0] = (uint8_t)type;
    put_number(c->head + 1, size, 4);
    c->head_size = FRAME_HEADER;
    c->head_sent = 0;
}

static bool will_retry(const struct server *s) {
    return s->status != 0 && s->attempt < s->retries && !s->stopping;
}

static void greet(const struct server *s, struct client *c) {
    uint64_t replay[STREAMS];
    for (int i = 0; i < STREAMS; i++) {
        replay[i] = s->streams[i].total < WINDOW ? s->streams[i].total : WINDOW;
        c->position[i] = s->streams[i].total - replay[i];
    }
    bool ended = s->phase == FLUSHING || (s->phase == DRAINING && !will_retry(s));
    uint8_t state = s->phase == WAITING ? 0 : ended ? 2 : 1;
    begin_frame(c, HELLO, HELLO_PAYLOAD);
    uint8_t *payload = c->head + FRAME_HEADER;
    payload[0] = PROTOCOL_VERSION;
    payload[1] = state;
    memcpy(payload + 2, s->instance, sizeof s->instance);
    put_number(payload + 18, s->columns, 2);
    put_number(payload + 20, s->rows, 2);
    put_number(payload + 22, s->streams[MAIN].total, 8);
    put_number(payload + 30, replay[MAIN], 4);
    c->head_size += HELLO_PAYLOAD;
}

/* Is there something to send? Begins the next frame when the last one has gone. */
static bool has_something_to_send(const struct server *s, struct client *c) {
    if (c->deaf) return false;
    if (c->head_sent < c->head_size || c->frame_left > 0) return true;
    if (c->stored_size > 0) {
        begin_frame(c, FILE_STORED, (uint32_t)c->stored_size);
        memcpy(c->head + FRAME_HEADER, c->stored, c->stored_size);
        c->head_size += c->stored_size;
        c->stored_size = 0;
        return true;
    }
    for (int turn = 1; turn <= STREAMS; turn++) { /* by turns: neither waits until the other is silent */
        int i = (c->sending + turn) % STREAMS;
        uint64_t behind = s->streams[i].total - c->position[i];
        if (behind == 0) continue;
        c->sending = i;
        c->frame_left = behind < READ_MAX ? (uint32_t)behind : READ_MAX;
        begin_frame(c, FRAME_OF[i], c->frame_left);
        return true;
    }
    if (s->phase == FLUSHING && !c->exit_queued) {
        begin_frame(c, EXIT, 4);
        put_number(c->head + FRAME_HEADER, (uint64_t)s->status, 4);
        c->head_size += 4;
        c->exit_queued = true;
        return true;
    }
    return false;
}

static void send_to(struct server *s, struct client *c, int64_t now) {
    while (has_something_to_send(s, c)) {
        uint8_t *ring = s->streams[c->sending].ring;
        uint64_t *position = &c->position[c->sending];
        size_t head = c->head_size - c->head_sent, at = *position % RING_SIZE;
        size_t first = c->frame_left < RING_SIZE - at ? c->frame_left : RING_SIZE - at;
        struct iovec parts[3] = {
            {c->head + c->head_sent, head},
            {ring + at, first},
            {ring, c->frame_left - first},
        };
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
        ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) {
            if (errno == EAGAIN) return;
            c->deaf = true;
            shutdown(c->fd, SHUT_WR);
            return;
        }
        size_t rest = (size_t)sent, of_head = rest < head ? rest : head;
        c->head_sent += of_head;
        *position += rest - of_head;
        c->frame_left -= (uint32_t)(rest - of_head);
        c->progress_at = now;
    }
}

static bool is_behind(const struct server *s, const struct client *c) {
    if (c->deaf) return false;
    for (int i = 0; i < STREAMS; i++)
        if (s->streams[i].total - c->position[i] > WINDOW) return true;
    return false;
}

/* ---- Clients: coming and going ---------------------------------------------------------------------- */

static void end_frame(struct client *c) {
    free(c->payload);
    c->payload = NULL;
    c->header_got = c->payload_size = c->payload_got = c->delivered = 0;
    c->ticket = 0;
}

static void close_client(struct client *c) {
    end_frame(c);
    upload_abandon(&c->upload);
    close(c->fd);
    c->fd = -1;
}

static void accept_clients(struct server *s, int64_t now) {
    for (int turn = 0; turn < MAX_CLIENTS; turn++) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            /* Out of descriptors or memory: poll() would report the same caller again at once. */
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) s->accept_again_at = now + REST;
            return;
        }
        struct client *c = s->clients;
        while (c < s->clients + MAX_CLIENTS && c->fd >= 0) c++;
        if (c == s->clients + MAX_CLIENTS) {
            say("a client was turned away: %d are connected", MAX_CLIENTS);
            close(fd);
            continue;
        }
        memset(c, 0, sizeof *c);
        c->fd = fd;
        c->progress_at = now;
        greet(s, c);
    }
}

static void drop_stalled(struct server *s, int64_t now) {
    FOR_EACH_CLIENT (c, s) {
        if (!is_behind(s, c)) c->held_since = 0;
        else if (c->held_since == 0) c->held_since = now;
        bool holds_up = c->held_since != 0 && now - c->held_since >= STALL_LIMIT;
        bool left = c->deaf && c->ticket != 0; /* gone, and the terminal does not take its last words */
        if (!(holds_up || left) || now - c->progress_at < STALL_LIMIT) continue;
        say("a client was dropped: %s for %d s", holds_up ? "it read nothing" : "its input was not taken",
            STALL_LIMIT / 1000);
        close_client(c);
    }
}

/* ---- The command: starting -------------------------------------------------------------------------- */

/* The end of the environment in a go frame (the byte after its closing empty string), or NULL when it is not
 * one: each entry is NAME=VALUE with a NUL after it. */
static const uint8_t *environment_end(const uint8_t *at, const uint8_t *end) {
    while (at < end) {
        const uint8_t *stop = memchr(at, 0, (size_t)(end - at));
        if (stop == NULL) return NULL;
        if (stop == at) return at + 1;
        if (*at == '=' || memchr(at, '=', (size_t)(stop - at)) == NULL) return NULL;
        at = stop + 1;
    }
    return NULL;
}

static bool set_environment(const uint8_t *at) {
    for (; *at != 0; at += strlen((const char *)at) + 1) {
        char *name = strdup((const char *)at);
        if (name == NULL) return false;
        char *value = strchr(name, '=');
        *value++ = 0;
        int failed = setenv(name, value, 1);
        free(name);
        if (failed) return false;
    }
    return true;
}

/* Hands the prompt over as a file and, when it is short enough for one, as variables. */
static bool set_prompt(const uint8_t *prompt, size_t size) {
    const char *path = getenv("TASKYARD_TASK_PROMPT_FILE");
    if (path != NULL && *path != 0 && !replace_file(path, 0600, prompt, size)) {
        say("cannot write the prompt file %s: %s", path, strerror(errno));
        return false;
    }
    unsetenv("TASKYARD_TASK_PROMPT");
    unsetenv("CODER_TASK_PROMPT");
    if (size > PROMPT_VARIABLE_MAX || memchr(prompt, 0, size) != NULL) return true;
    char *text = strndup((const char *)prompt, size);
    bool done = text != NULL && setenv("TASKYARD_TASK_PROMPT", text, 1) == 0 &&
                setenv("CODER_TASK_PROMPT", text, 1) == 0;
    if (!done) say("no memory for the prompt");
    free(text);
    return done;
}

static void set_window(const struct server *s) {
    struct winsize size = {.ws_col = s->columns, .ws_row = s->rows};
    int terminal = s->streams[MAIN].fd;
    if (!s->pipes && terminal >= 0) ioctl(terminal, TIOCSWINSZ, &size);
}

/* The command's descriptors 0, 1 and 2. */
struct ends {
    int fd[3];
};

static void close_ends(struct ends *ends) {
    for (int i = 0; i < 3; i++) /* some may be the same */
        if (ends->fd[i] >= 0 && (i == 0 || ends->fd[i] != ends->fd[i - 1])) close(ends->fd[i]);
}

/* Opens a terminal; returns whether that was possible, else errno tells why not. */
static bool open_terminal(struct server *s, struct ends *ends) {
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0) return false;
    char name[64];
    int slave = -1;
    if (grantpt(master) == 0 && unlockpt(master) == 0) {
        slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave < 0 && ptsname_r(master, name, sizeof name) == 0)
            slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    }
    if (slave < 0) {
        int error = errno;
        close(master);
        errno = error;
        return false;
    }
    struct termios modes;
    if (tcgetattr(slave, &modes) == 0) {
        modes.c_iflag |= IUTF8; /* so the line editor erases whole characters */
        tcsetattr(slave, TCSANOW, &modes);
    }
    s->streams[MAIN].fd = s->in = master;
    set_window(s);
    *ends = (struct ends){{slave, slave, slave}};
    return true;
}

/* Opens a pipe of which one end is ours and does not block; the other may, whatever the command makes of it. */
static bool open_pipe(int *ours, int *theirs, bool ours_writes) {
    int fd[2];
    if (pipe2(fd, O_CLOEXEC) != 0) return false;
    *ours = fd[ours_writes];
    *theirs = fd[!ours_writes];
    return fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
}

static bool open_pipes(struct server *s, struct ends *ends) {
    *ends = (struct ends){{-1, -1, -1}};
    if (!open_pipe(&s->in, &ends->fd[0], true)) return false;
    if (!open_pipe(&s->streams[MAIN].fd, &ends->fd[1], false)) return false;
    if (!s->merged) return open_pipe(&s->streams[ERROR].fd, &ends->fd[2], false);
    ends->fd[2] = ends->fd[1];
    return true;
}

static void discard_input(struct server *s) {
    FOR_EACH_CLIENT (c, s)
        if (c->ticket != 0) end_frame(c);
}

static void close_input(struct server *s) {
    if (s->in >= 0 && s->in != s->streams[MAIN].fd) close(s->in);
    s->in = -1;
    discard_input(s);
}

static void close_terminal(struct server *s) {
    close_input(s);
    for (int i = 0; i < STREAMS; i++) {
        if (s->streams[i].fd >= 0) close(s->streams[i].fd);
        s->streams[i].fd = -1;
    }
}

static void close_descriptors_from(unsigned first) {
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
    long limit = sysconf(_SC_OPEN_MAX); /* a kernel before 5.9 */
    if (limit < 0 || limit > 65536) limit = 65536;
    for (long fd = first; fd < limit; fd++) close((int)fd);
}

static void reset_signals(void) {
    for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: becomes the command, with the terminal as its session's. */
static _Noreturn void become_command(const struct server *s, const struct ends *ends) {
    int log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3); /* the container's log, for an error at the end */
    bool done = setsid() >= 0 && (s->pipes || ioctl(ends->fd[0], TIOCSCTTY, 0) == 0);
    for (int i = 0; i < 3; i++) done = done && dup2(ends->fd[i], i) >= 0; /* all of them are above 2 */
    if (!done) {
        if (log >= 0) dup2(log, STDERR_FILENO);
        FAIL("cannot make the terminal the command's own: %s", strerror(errno));
    }
    if (log > 3) dup3(log, 3, O_CLOEXEC); /* below, so that all above can be closed */
    close_descriptors_from(log < 0 ? 3 : 4);
    reset_signals();
    execvp(s->command[0], s->command);

    int error = errno;
    bool missing = error == ENOENT || error == ENOTDIR;
    const char *hint = "";
    if (missing && strchr(s->command[0], '/') != NULL && access(s->command[0], F_OK) == 0) {
        missing = false;
        hint = " (it is there; the interpreter or loader that it names is not)";
    } else if (error == E2BIG) {
        hint = " (arguments and environment are too large)";
    } else if (missing && strchr(s->command[0], '/') == NULL) {
        hint = getenv("PATH") != NULL ? " (looked for in PATH)" : " (PATH is not set)";
    }
    for (int copies = 0; copies < 2; copies++) { /* for those who see its output, and for the log */
        say("cannot run %s: %s%s", s->command[0], strerror(error), hint);
        if (dup2(3, STDERR_FILENO) < 0) break;
    }
    _exit(missing ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* Starts the command, for the first time or again. */
static bool launch(struct server *s) {
    struct ends ends = {{-1, -1, -1}};
    if (!(s->pipes ? open_pipes(s, &ends) : open_terminal(s, &ends))) {
        say(s->pipes ? "cannot open a pipe: %s" : "cannot open a terminal (/dev/ptmx): %s", strerror(errno));
        close_ends(&ends);
        return false;
    }
    s->pid = fork();
    if (s->pid == 0) become_command(s, &ends);
    if (s->pid < 0) say("cannot start a process: %s", strerror(errno));
    /* Not kept open here: with it open the kernel would hang up the terminal at the command's end, and throw
     * away output that was not read yet; and a pipe would never end. */
    close_ends(&ends);
    return s->pid > 0;
}

static bool start_command(struct server *s, const uint8_t *environment, const uint8_t *prompt, size_t size) {
    bool set = set_environment(environment) && (s->pipes || setenv("TERM", "xterm-256color", 0) == 0);
    if (!set) {
        say("no memory for the environment");
        return false;
    }
    return set_prompt(prompt, size) && launch(s);
}

/* ---- The command: its output, its input, its end ----------------------------------------------------- */

static bool is_held_up(const struct server *s) {
    FOR_EACH_CLIENT (c, s)
        if (is_behind(s, c)) return true;
    return false;
}

static bool has_ended(const struct server *s) {
    return s->pipes ? s->streams[MAIN].fd < 0 && s->streams[ERROR].fd < 0 : s->output_ended;
}

static void read_output(struct server *s, struct stream *stream, int64_t now) {
    for (size_t budget = READ_MAX; budget > 0;) {
        size_t at = stream->total % RING_SIZE, room = RING_SIZE - at < budget ? RING_SIZE - at : budget;
        ssize_t got = read(stream->fd, stream->ring + at, room);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0 && s->pipes) { /* nobody can write to it any more */
            close(stream->fd);
            stream->fd = -1;
            return;
        }
        if (got <= 0) { /* EIO: no process has the terminal open, now */
            s->output_ended = true;
            s->rest_until = now + REST;
            return;
        }
        stream->total += (uint64_t)got;
        s->quiet_since = now;
        budget -= (size_t)got;
    }
}

static struct client *next_with_input(struct server *s) {
    struct client *next = NULL;
    FOR_EACH_CLIENT (c, s)
        if (c->ticket != 0 && (next == NULL || c->ticket < next->ticket)) next = c;
    return next;
}

/* Writes input frames in the order of their arrival, each whole before the next. */
static void write_input(struct server *s, int64_t now) {
    struct client *c;
    for (size_t budget = READ_MAX; budget > 0 && (c = next_with_input(s)) != NULL;) {
        if (c->header[0] == END_INPUT) {
            close_input(s);
            return;
        }
        size_t left = c->payload_size - c->delivered, size = left < budget ? left : budget;
        ssize_t wrote = write(s->in, c->payload + c->delivered, size);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0 && errno == EAGAIN) return;
        if (wrote < 0 && s->pipes) { /* nobody will ever read it */
            close_input(s);
            return;
        }
        if (wrote < 0) { /* nobody is there to read it, now */
            end_frame(c);
            continue;
        }
        c->progress_at = now;
        c->delivered += (uint32_t)wrote;
        budget -= (size_t)wrote;
        if (c->delivered == c->payload_size) end_frame(c);
    }
}

/* Kills the processes of the command's session, whatever their process groups are. */
static void kill_session(const struct server *s) {
    DIR *processes = opendir("/proc");
    if (processes == NULL) return;
    for (struct dirent *entry; (entry = readdir(processes)) != NULL;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 1 && getsid(pid) == s->pid) kill(pid, SIGKILL);
    }
    closedir(processes);
}

static void begin_draining(struct server *s, int status, int64_t now) {
    s->phase = DRAINING;
    s->status = status;
    s->output_ended = s->streams[MAIN].fd < 0;
    s->rest_until = 0;
    s->quiet_since = now;
    s->drain_by = now + DRAIN_LIMIT;
    discard_input(s);
}

static void begin_flushing(struct server *s, int64_t now) {
    s->phase = FLUSHING;
    s->flush_by = now + FLUSH_LIMIT;
    close_terminal(s);
}

/* Adds a line to what the command says, so that all who read it see where one attempt ends and the next begins. */
__attribute__((format(printf, 2, 3))) static void remark(struct server *s, const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    struct stream *stream = &s->streams[MAIN];
    for (int i = 0; i < length && i < (int)sizeof line - 1; i++) stream->ring[stream->total++ % RING_SIZE] = (uint8_t)line[i];
}

/* After a failed attempt: wait, longer each time. */
static void begin_resting(struct server *s, int64_t now) {
    int64_t wait = s->retry_after;
    for (unsigned i = 0; i < s->attempt && wait < RETRY_MOST; i++) wait *= 2;
    if (wait > RETRY_MOST) wait = RETRY_MOST;
    s->attempt++;
    s->phase = RESTING;
    s->retry_at = now + wait;
    kill_session(s); /* jobs it left would get in the way of the next attempt */
    close_terminal(s);
    remark(s, "\n[taskyard: ended with status %d; retry %u of %u in %.3g s]\n", s->status, s->attempt, s->retries,
           (double)wait / 1000);
}

static void try_again(struct server *s, int64_t now) {
    if (launch(s)) s->phase = RUNNING;
    else begin_draining(s, EXIT_OWN_ERROR, now);
}

static void reap(struct server *s, int64_t now) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
        if (pid != s->pid || s->phase != RUNNING) continue;
        if (s->stopping) kill_session(s); /* jobs it left; as process 1 we take them with us anyway */
        begin_draining(s, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), now);
    }
}

/* ---- The way down ----------------------------------------------------------------------------------- */

/* To the command's process group and to the one in the foreground of its terminal: a shell's job. Each is woken
 * too, since a stopped process acts on a signal only when it goes on. */
static void signal_command(const struct server *s, int number) {
    int terminal = s->pipes ? -1 : s->streams[MAIN].fd;
    pid_t foreground = terminal >= 0 ? tcgetpgrp(terminal) : -1;
    if (foreground > 1 && foreground != s->pid && foreground != getpgrp()) {
        kill(-foreground, number);
        kill(-foreground, SIGCONT);
    }
    if (kill(-s->pid, number) != 0) kill(s->pid, number); /* just forked: it has no group of its own yet */
    kill(-s->pid, SIGCONT);
}

static void ask_to_end(struct server *s) { signal_command(s, SIGTERM); }

static void hang_up(struct server *s) { signal_command(s, SIGHUP); }

/* Pipes are read to the end: only a terminal's end is a signal. */
static void close_down(struct server *s) {
    if (s->pipes) close_input(s);
    else close_terminal(s);
}

static void kill_all(struct server *s) {
    if (getpid() == 1) kill(-1, SIGKILL); /* all there is in this container */
    signal_command(s, SIGKILL);
    kill_session(s);
}

/* When the next step on the way down is due. The terminal is closed half-way between hang-up and kill, so that
 * what the hang-up makes a program say is still read. */
static int64_t next_step_at(const struct server *s) {
    const int64_t after[] = {0, s->hangup_after, (s->hangup_after + s->kill_after) / 2, s->kill_after};
    if (!s->stopping || s->phase != RUNNING || s->steps_taken == 4) return INT64_MAX;
    return s->stopping_since + after[s->steps_taken];
}

static void step_down(struct server *s, int64_t now) {
    static void (*const actions[])(struct server *) = {ask_to_end, hang_up, close_down, kill_all};
    while (now >= next_step_at(s)) actions[s->steps_taken++](s);
}

/* ---- Frames from clients ---------------------------------------------------------------------------- */

static bool take_go(struct server *s, struct client *c, int64_t now) {
    if (s->phase != WAITING) return true;
    const uint8_t *end = c->payload + c->payload_size;
    const uint8_t *prompt = environment_end(c->payload, end);
    if (prompt == NULL) return false;
    if (start_command(s, c->payload, prompt, (size_t)(end - prompt))) s->phase = RUNNING;
    else begin_draining(s, EXIT_OWN_ERROR, now);
    return true;
}

static bool take_resize(struct server *s, const struct client *c) {
    uint16_t columns = (uint16_t)get_number(c->payload, 2), rows = (uint16_t)get_number(c->payload + 2, 2);
    if (columns == 0 || rows == 0) return false;
    if (s->pipes) return true;
    s->columns = columns;
    s->rows = rows;
    set_window(s);
    return true;
}

/* One file at a time, and its result is taken before the next. */
static bool take_file(struct server *s, struct client *c) {
    bool begins = c->header[0] == FILE_BEGIN;
    if (begins == c->upload.open || c->stored_size > 0) return false;
    if (begins && !upload_is_valid_name(c->payload, c->payload_size)) return false;
    char directory[sizeof((struct sockaddr_un *)0)->sun_path];
    snprintf(directory, sizeof directory, "%s", s->socket_path);
    char *slash = strrchr(directory, '/');
    if (slash != NULL) *slash = 0;
    const char *where = slash == NULL ? "." : slash == directory ? "/" : directory;
    if (begins) upload_begin(&c->upload, where, c->payload, c->payload_size);
    else if (c->header[0] == FILE_DATA) upload_write(&c->upload, c->payload, c->payload_size);
    else c->stored_size = upload_end(&c->upload, where, c->stored);
    return true;
}

/* Is this a header that a client may send? */
static bool is_valid_header(const struct client *c) {
    switch (c->header[0]) {
    case GO: return c->payload_size > 0 && c->payload_size <= FRAME_IN_MAX;
    case INPUT: return c->payload_size <= FRAME_IN_MAX;
    case RESIZE: return c->payload_size == 4;
    case END_INPUT:
    case INTERRUPT: return c->payload_size == 0;
    case FILE_BEGIN: return c->payload_size > 0 && c->payload_size <= NAME_MAX;
    case FILE_DATA: return c->payload_size > 0 && c->payload_size <= FRAME_IN_MAX;
    case FILE_END: return c->payload_size == 0;
    default: return false;
    }
}

/* Acts on a whole frame. Returns false when its payload is not valid. */
static bool take_frame(struct server *s, struct client *c, int64_t now) {
    bool valid = true;
    bool is_input = (c->header[0] == INPUT && c->payload_size > 0) || (c->header[0] == END_INPUT && s->pipes);
    if (is_input && s->phase == RUNNING && s->in >= 0) {
        c->ticket = ++s->last_ticket;
        c->progress_at = now;
        return true;
    }
    if (c->header[0] == GO) valid = take_go(s, c, now);
    else if (c->header[0] == RESIZE) valid = take_resize(s, c);
    else if (c->header[0] >= FILE_BEGIN) valid = take_file(s, c);
    else if (c->header[0] == INTERRUPT && s->phase == RUNNING) signal_command(s, SIGINT);
    end_frame(c); /* input before the command or after it has nobody to go to */
    return valid;
}

/* Takes what has arrived, up to the end of one frame. */
static void receive_from(struct server *s, struct client *c, int64_t now) {
    for (;;) {
        bool in_header = c->header_got < FRAME_HEADER;
        uint8_t *to = in_header ? c->header + c->header_got : c->payload + c->payload_got;
        size_t want = in_header ? FRAME_HEADER - c->header_got : c->payload_size - c->payload_got;
        ssize_t got = recv(c->fd, to, want, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            close_client(c);
            return;
        }
        if (in_header) {
            c->header_got += (uint32_t)got;
            if (c->header_got < FRAME_HEADER) continue;
            c->payload_size = get_number(c->header + 1, 4);
            if (!is_valid_header(c)) {
                say("a client was dropped: it sent a frame of type %u with %u bytes", c->header[0],
                    c->payload_size);
                close_client(c);
                return;
            }
            /* One byte more than the payload: a NUL, so that its last string ends within it. */
            c->payload = malloc(c->payload_size + 1);
            if (c->payload == NULL) {
                say("a client was dropped: no memory for its frame of %u bytes", c->payload_size);
                close_client(c);
                return;
            }
            c->payload[c->payload_size] = 0;
        } else {
            c->payload_got += (uint32_t)got;
        }
        if (c->payload_got < c->payload_size) continue;
        if (!take_frame(s, c, now)) {
            say("a client was dropped: its frame of type %u is malformed", c->header[0]);
            close_client(c);
        }
        return;
    }
}

/* ---- The loop --------------------------------------------------------------------------------------- */

static void take_signals(struct server *s, int64_t now) {
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(s, now);
        } else if (!s->stopping) {
            s->stopping = true;
            s->stopping_since = now;
        }
    }
}

static bool is_drained(const struct server *s, int64_t now) {
    return has_ended(s) || now >= s->drain_by || now - s->quiet_since >= DRAIN_QUIET;
}

static bool all_have_everything(const struct server *s) {
    FOR_EACH_CLIENT (c, s)
        if (!c->deaf && !(c->exit_queued && c->head_sent == c->head_size)) return false;
    return true;
}

static void consider(int64_t *earliest, int64_t when) {
    if (when < *earliest) *earliest = when;
}

/* The earliest moment at which something has to be done without anybody calling; -1: never. */
static int64_t next_deadline(struct server *s, int64_t now) {
    int64_t earliest = INT64_MAX;
    if (s->accept_again_at != 0) consider(&earliest, s->accept_again_at);
    if (s->rest_until != 0) consider(&earliest, s->rest_until);
    /* Linux does not always wake poll() when a terminal that was full takes input again. */
    if (s->in >= 0 && next_with_input(s) != NULL) consider(&earliest, now + REST);
    consider(&earliest, next_step_at(s));
    if (s->phase == DRAINING) {
        consider(&earliest, s->drain_by);
        consider(&earliest, s->quiet_since + DRAIN_QUIET);
    }
    if (s->phase == RESTING) consider(&earliest, s->retry_at);
    if (s->phase == FLUSHING) consider(&earliest, s->flush_by);
    FOR_EACH_CLIENT (c, s) {
        int64_t since = c->held_since > c->progress_at ? c->held_since : c->progress_at;
        if (c->held_since != 0 || (c->deaf && c->ticket != 0)) consider(&earliest, since + STALL_LIMIT);
    }
    return earliest == INT64_MAX ? -1 : earliest;
}

enum { SIGNALS, LISTENER, IN, OUT, FIRST_CLIENT = OUT + STREAMS, PLACES = FIRST_CLIENT + MAX_CLIENTS };

/* Says what the loop waits for. A descriptor from which nothing is wanted is left out (-1), since poll()
 * would report its other side's end over and over. */
static void choose_events(struct server *s, struct pollfd *places) {
    for (int i = 0; i < PLACES; i++) places[i] = (struct pollfd){.fd = -1};
    places[SIGNALS] = (struct pollfd){.fd = s->signals, .events = POLLIN};
    if (s->accept_again_at == 0) places[LISTENER] = (struct pollfd){.fd = s->listener, .events = POLLIN};
    if (s->rest_until == 0) {
        for (int i = 0; i < STREAMS && !is_held_up(s); i++)
            places[OUT + i] = (struct pollfd){.fd = s->streams[i].fd, .events = POLLIN};
        if (next_with_input(s) != NULL) places[IN] = (struct pollfd){.fd = s->in, .events = POLLOUT};
    }
    for (int i = 0; i < MAX_CLIENTS; i++) {
        struct client *c = &s->clients[i];
        if (c->fd < 0) continue;
        short events = 0;
        if (c->ticket == 0) events |= POLLIN;
        if (has_something_to_send(s, c)) events |= POLLOUT;
        if (events == 0 && c->deaf) continue;
        places[FIRST_CLIENT + i] = (struct pollfd){.fd = c->fd, .events = events};
    }
}

static void handle_events(struct server *s, const struct pollfd *places, int64_t now) {
    const short gone = POLLHUP | POLLERR;
    for (int i = 0; i < MAX_CLIENTS; i++) {
        struct client *c = &s->clients[i];
        short events = places[FIRST_CLIENT + i].revents;
        if (events == 0) continue;
        if (events & gone) {
            c->deaf = true;
            c->progress_at = now;
        }
        if (events & POLLOUT) send_to(s, c, now);
        if (c->ticket == 0 && events & (POLLIN | gone)) receive_from(s, c, now);
    }
    if (s->in >= 0 && places[IN].revents & POLLOUT) write_input(s, now);
    else if (places[IN].revents & gone && s->pipes) close_input(s);
    else if (places[IN].revents & gone) s->rest_until = now + REST;
    for (int i = 0; i < STREAMS; i++)
        if (s->streams[i].fd >= 0 && places[OUT + i].revents & (POLLIN | gone)) read_output(s, &s->streams[i], now);
    if (places[SIGNALS].revents) take_signals(s, now);
    if (places[LISTENER].revents) accept_clients(s, now); /* last: a place set free above may be taken */
}

/* Runs until there is an exit status to end with. */
static int serve(struct server *s) {
    for (;;) {
        int64_t now = clock_ms();
        if (s->stopping && s->phase == WAITING) return EXIT_TERMINATED;
        step_down(s, now);
        if (s->accept_again_at != 0 && now >= s->accept_again_at) s->accept_again_at = 0;
        if (s->rest_until != 0 && now >= s->rest_until) s->rest_until = 0;
        drop_stalled(s, now);
        if (s->phase == DRAINING && is_held_up(s)) s->quiet_since = now; /* not read, so not known quiet */
        if (s->phase == DRAINING && is_drained(s, now)) {
            if (will_retry(s)) begin_resting(s, now);
            else begin_flushing(s, now);
        }
        if (s->phase == RESTING && s->stopping) begin_flushing(s, now);
        if (s->phase == RESTING && now >= s->retry_at) try_again(s, now);
        if (s->phase == FLUSHING && (all_have_everything(s) || now >= s->flush_by)) return s->status;

        struct pollfd places[PLACES];
        choose_events(s, places);
        int64_t deadline = next_deadline(s, now), wait = deadline - now;
        if (wait < 0) wait = 0;
        if (wait > INT_MAX) wait = INT_MAX;
        int ready = poll(places, PLACES, deadline < 0 ? -1 : (int)wait);
        if (ready < 0 && errno != EINTR) FAIL("cannot wait for events: %s", strerror(errno));
        if (ready > 0) handle_events(s, places, clock_ms());
    }
}

static void say_goodbye(struct server *s) {
    uint8_t unread[4096];
    FOR_EACH_CLIENT (c, s) {
        /* What was not read would turn the end of the connection into an error for the client. */
        for (int i = 0; i < 64 && recv(c->fd, unread, sizeof unread, MSG_DONTWAIT) > 0; i++) {}
        close_client(c);
    }
    close_terminal(s);
    close(s->listener);
    close(s->signals);
    remove_socket(s);
}

/* ---- run -------------------------------------------------------------------------------------------- */

/* Signals that ask to end: all that images name as their STOPSIGNAL, but the terminal's SIGWINCH. */
static void catch_signals(struct server *s) {
    const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPWR, SIGRTMIN + 3};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&set, numbers[i]);
        signal(numbers[i], SIG_DFL); /* an inherited "ignore" would swallow it, or the children's status */
    }
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->signals < 0) FAIL("cannot take signals: %s", strerror(errno));
}

static int run(struct server *s) {
    fill_random(s->instance, sizeof s->instance);
    s->umask = umask(0);
    umask(s->umask);
    s->in = -1;
    for (int i = 0; i < STREAMS; i++) s->streams[i].fd = -1;
    for (int i = 0; i < MAX_CLIENTS; i++) s->clients[i].fd = -1;
    if (getpid() != 1 && prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        say("orphans will not be reaped: %s", strerror(errno));
    catch_signals(s);
    open_socket(s);
    int status = serve(s);
    say_goodbye(s);
    return status;
}

/* ---- The command line ------------------------------------------------------------------------------- */

static const char USAGE[] =
    "usage: taskyard-init run --socket PATH [options] -- COMMAND [ARGUMENT...]\n"
    "       taskyard-init install DIRECTORY\n"
    "       taskyard-init report STATE SUMMARY [--link URL] | output NAME=VALUE\n"
    "       taskyard-init --help | --version\n"
    "\n"
    "run waits on a Unix socket for \"go\", then runs COMMAND in a terminal that the socket's clients see and\n"
    "type into, or with pipes that they read and write, and ends with its exit status (125: own error, 126: not\n"
    "executable, 127: not found).\n"
    "install copies this program to DIRECTORY/taskyard-init and links DIRECTORY/taskyard-report to it.\n"
    "report, and the program under the name taskyard-report, tells the sidecar what the agent does.\n"
    "\n"
    "  --socket PATH            the socket to make\n"
    "  --tty COLUMNSxROWS       size of the terminal (80x1000)\n"
    "  --pipes                  pipes instead of a terminal\n"
    "  --merge                  with --pipes: standard error goes where standard output goes\n"
    "  --retries NUMBER         with --pipes: run COMMAND again when it fails, at most so often (0)\n"
    "  --retry-after SECONDS    before the first of these; twice as long before each further, at most 300 s (10)\n"
    "  --hangup-after SECONDS   from SIGTERM to SIGHUP (5)\n"
    "  --kill-after SECONDS     from SIGTERM to SIGKILL (10)\n";

static int64_t parse_seconds(const char *option, const char *text) {
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end != 0 || !(seconds >= 0 && seconds <= 86400))
        FAIL("%s takes seconds from 0 to 86400, not \"%s\"", option, text);
    return (int64_t)(seconds * 1000);
}

static void parse_size(struct server *s, const char *text) {
    unsigned columns, rows;
    char rest;
    bool parsed = sscanf(text, "%5ux%5u%c", &columns, &rows, &rest) == 2;
    if (strspn(text, "0123456789x") != strlen(text)) parsed = false; /* scanf takes signs and blanks too */
    if (!parsed || columns < 1 || columns > 65535 || rows < 1 || rows > 65535)
        FAIL("--tty takes COLUMNSxROWS, each from 1 to 65535, not \"%s\"", text);
    s->columns = (uint16_t)columns;
    s->rows = (uint16_t)rows;
}

/* The value of an option, given as "--name value" or "--name=value"; NULL when the argument is not it. */
static const char *option_value(const char *name, char ***argument) {
    size_t length = strlen(name);
    if (strncmp(**argument, name, length) != 0) return NULL;
    if ((**argument)[length] == '=') return **argument + length + 1;
    if ((**argument)[length] != 0) return NULL;
    if (*++*argument == NULL) FAIL("%s needs a value", name);
    return **argument;
}

static unsigned parse_count(const char *option, const char *text) {
    char *end;
    unsigned long count = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != 0 || count > 1000)
        FAIL("%s takes a number from 0 to 1000, not \"%s\"", option, text);
    return (unsigned)count;
}

static void parse_run(struct server *s, char **argument) {
    const char *value;
    bool sized = false;
    s->columns = 80;
    s->rows = 1000;
    s->retry_after = 10000;
    s->hangup_after = 5000;
    s->kill_after = 10000;
    for (; *argument != NULL && strcmp(*argument, "--") != 0; argument++) {
        if ((value = option_value("--socket", &argument)) != NULL) s->socket_path = value;
        else if ((value = option_value("--tty", &argument)) != NULL) sized = (parse_size(s, value), true);
        else if (strcmp(*argument, "--pipes") == 0) s->pipes = true;
        else if (strcmp(*argument, "--merge") == 0) s->merged = true;
        else if ((value = option_value("--retries", &argument)) != NULL)
            s->retries = parse_count("--retries", value);
        else if ((value = option_value("--retry-after", &argument)) != NULL)
            s->retry_after = parse_seconds("--retry-after", value);
        else if ((value = option_value("--hangup-after", &argument)) != NULL)
            s->hangup_after = parse_seconds("--hangup-after", value);
        else if ((value = option_value("--kill-after", &argument)) != NULL)
            s->kill_after = parse_seconds("--kill-after", value);
        else FAIL("unknown argument \"%s\" (the command goes after --)", *argument);
    }
    if (s->socket_path == NULL || *s->socket_path == 0) FAIL("--socket is missing");
    if (s->pipes && sized) FAIL("--pipes and --tty exclude each other");
    if (!s->pipes && (s->merged || s->retries > 0)) FAIL("--merge and --retries need --pipes");
    if (s->pipes) s->columns = s->rows = 0;
    if (s->kill_after < s->hangup_after) FAIL("--kill-after must not be before --hangup-after");
    if (*argument == NULL || argument[1] == NULL || *argument[1] == 0) FAIL("no command is given after --");
    s->command = argument + 1;
}

int main(int count, char **arguments) {
    static struct server server;
    int fd;
    do fd = open("/dev/null", O_RDWR | O_CLOEXEC); /* so that no descriptor of ours becomes 0, 1 or 2 */
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) close(fd);

    const char *name = count > 0 ? strrchr(arguments[0], '/') : NULL;
    name = name != NULL ? name + 1 : count > 0 ? arguments[0] : "";
    if (strcmp(name, "taskyard-report") == 0) return report(arguments + 1);

    const char *verb = count > 1 ? arguments[1] : "";
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
        fputs(USAGE, stdout);
        return 0;
    }
    if (strcmp(verb, "--version") == 0) {
        puts("taskyard-init " TASKYARD_VERSION);
        return 0;
    }
    if (strcmp(verb, "install") == 0) {
        if (count != 3) FAIL("install takes one directory");
        return install(arguments[2]);
    }
    if (strcmp(verb, "report") == 0) return report(arguments + 2);
    if (strcmp(verb, "run") == 0) {
        parse_run(&server, arguments + 2);
        return run(&server);
    }
    fputs(USAGE, stderr);
    return EXIT_OWN_ERROR;
}
