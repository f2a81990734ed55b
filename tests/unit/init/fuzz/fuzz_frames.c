// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer drives the whole of `taskyard-init run`: its loop, its clients, its command's output and end. The
 * program's sources are compiled in; what it asks of the kernel is real (sockets, pipes, terminals, files), except for
 * processes (none is started or signalled), the clock (it advances when there is nothing to do) and the environment.
 *
 * An input is a byte of options, then steps of one byte each with their arguments. Beyond what the sanitizers find,
 * it is a fault when the loop never ends, when a descriptor is left open, when a client gets a malformed frame or
 * output that the command did not write, and when the command gets input that nobody sent or in another order.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int nowhere = -1; /* /dev/null */
static char scratch[] = "/tmp/taskyard-fuzz-XXXXXX";
static char prompt_file[sizeof scratch + 16], socket_path[sizeof scratch + 16];
static jmp_buf given_up;

/* These replace what the program asks of the system. */
static pid_t sham_fork(void);
static pid_t sham_waitpid(int *status);
static pid_t sham_foreground(void);
static int sham_accept(void);
static int sham_poll(struct pollfd *places, nfds_t count, int timeout);
static int sham_clock(struct timespec *now);
static int sham_setenv(const char *name, const char *value);
static char *sham_getenv(const char *name);
static _Noreturn void sham_exit(int status);

#define fork() sham_fork()
#define waitpid(pid, status, options) sham_waitpid(status)
#define kill(pid, number) ((void)(pid), (void)(number), -1)
#define opendir(path) NULL
#define tcgetpgrp(terminal) sham_foreground()
#define getpgid(process) ((void)(process), (pid_t)-1)
#define accept4(fd, address, size, flags) sham_accept()
#define poll(places, count, timeout) sham_poll(places, count, timeout)
#define clock_gettime(clock, now) sham_clock(now)
#define setenv(name, value, overwrite) sham_setenv(name, value)
#define unsetenv(name) ((void)(name), 0)
#define getenv(name) sham_getenv(name)
#define exit(status) sham_exit(status)
#undef STDERR_FILENO
#define STDERR_FILENO nowhere

#include "client.c"
#include "clients.c"
#include "command.c"
#include "environment.c"
#include "file.c"
#include "frames.c"
#include "listener.c"
#include "log.c"
#include "options.c"
#include "phases.c"
#include "program_name.c"
#include "random.c"
#include "requests.c"
#include "ring.c"
#include "search_path.c"
#include "server.c"
#include "small_file.c"
#include "terminal_reader.c"
#include "terminal_state.c"
#include "terminal_watch.c"
#include "upload.c"

#undef poll
#undef exit
#undef waitpid
#undef getenv

enum { PEERS = 4, NOBODY = 0x3fffffff /* no process: above the kernel's limit */ };

/* The options. */
enum { IN_TERMINAL = 1, MERGED = 2, RETRIES = 4, STARTED = 8, PROGRAM_NAME = 64, COMMAND_LINE = 128 };

/* The steps; all others send that many bytes of the input, see `next_step`. */
enum {
    CONNECT = 0xf0, LEAVE, DEAFEN, HEAR, SELECT, /* peers: a new one, gone, reads nothing, reads again, the next */
    WRITES, COMPLAINS, TAKES_NONE, TAKES_ALL, ENDS, /* the command */
    TIME_PASSES, ASKED_TO_END,
    SENDS_MANY, /* the same byte, up to 64 KiB of it */
    FOREGROUND, /* another group has the terminal, or none, or the command's own */
};

/* The other end of a connection. */
struct peer {
    int fd, pending;         /* `pending`: the program's end, not accepted yet */
    bool deaf, greeted, announced, ended;
    bool has_sent;           /* it may have asked for a later version, and so for a second hello */
    uint8_t version;
    uint8_t header[FRAME_HEADER];
    size_t header_got;
    uint32_t left;           /* of the frame's payload */
    uint8_t payload[HELLO_PAYLOAD]; /* its beginning */
    size_t payload_got;
    uint64_t position[STREAMS];
    bool located[STREAMS];
};

static struct server server;
static struct options options;
static struct {
    const uint8_t *at, *end;
    struct peer peers[PEERS];
    int connected, selected;
    int listener;
    int64_t now;
    unsigned turns, limit;
    int far_in, far_out[STREAMS]; /* the command's ends */
    uint64_t wrote[STREAMS];
    bool takes_input, ended, retried, finishing;
    pid_t foreground;
    int status;
    /* What one client has sent, and the input in it that the command got. */
    uint8_t *sent;
    size_t sent_size, sent_room, got, payload_left;
    bool any_input;
} world;

#define FAULT(what) (fprintf(stderr, "fuzz_frames: %s\n", what), abort())

/* ---- The system ------------------------------------------------------------------------------------- */

static int sham_clock(struct timespec *now) {
    *now = (struct timespec){.tv_sec = world.now / 1000, .tv_nsec = world.now % 1000 * 1000000};
    return 0;
}

static int sham_setenv(const char *name, const char *value) {
    if (*name == 0 || strchr(name, '=') != NULL) FAULT("a variable without a name");
    return strlen(value) > FRAME_IN_MAX ? -1 : 0;
}

static char *sham_getenv(const char *name) {
    return strcmp(name, "TASKYARD_TASK_PROMPT_FILE") == 0 ? prompt_file : NULL;
}

static _Noreturn void sham_exit(int status) { longjmp(given_up, status + 1); }

static int other_end(int fd, int how) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, how | O_NONBLOCK | O_CLOEXEC);
}

static void close_far(void) {
    for (int i = 0; i < STREAMS; i++)
        if (world.far_out[i] >= 0 && world.far_out[i] != world.far_in) close(world.far_out[i]);
    if (world.far_in >= 0) close(world.far_in);
    world.far_in = world.far_out[MAIN] = world.far_out[ERROR] = -1;
}

/* The command has started: from now on the harness plays its side. */
static pid_t sham_fork(void) {
    close_far();
    world.ended = false;
    world.retried = world.retried || server.attempt > 0;
    if (server.command.pipes) {
        world.far_in = other_end(server.command.in, O_RDONLY);
        for (int i = 0; i < STREAMS; i++)
            if (server.command.out[i] >= 0) world.far_out[i] = other_end(server.command.out[i], O_WRONLY);
        return NOBODY;
    }
    int slave = ioctl(server.command.in, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    struct termios modes;
    if (slave < 0 || tcgetattr(slave, &modes) != 0) FAULT("no terminal");
    cfmakeraw(&modes);
    tcsetattr(slave, TCSANOW, &modes);
    world.far_in = world.far_out[MAIN] = slave;
    return NOBODY;
}

static pid_t sham_waitpid(int *status) {
    if (!world.ended) return 0;
    world.ended = false;
    *status = W_EXITCODE(world.status, 0);
    return NOBODY;
}

static pid_t sham_foreground(void) { return world.foreground; }

static int sham_accept(void) {
    for (int i = 0; i < world.connected; i++) {
        int fd = world.peers[i].pending;
        if (fd < 0) continue;
        world.peers[i].pending = -1;
        return fd;
    }
    eventfd_t count;
    eventfd_read(world.listener, &count);
    errno = EAGAIN;
    return -1;
}

/* ---- What is seen from outside ---------------------------------------------------------------------- */

/* The command's output: each byte is a function of its place, and no round number of bytes is a period. */
static uint8_t pattern(uint64_t place) { return (uint8_t)(place * 0x9e3779b97f4a7c15 >> 56); }

static void check_output(struct peer *p, int stream, const uint8_t *bytes, size_t size) {
    if (world.retried || options.retries > 0) return; /* it contains taskyard-init's own lines */
    if (!p->located[stream]) { /* hello does not tell where standard error begins */
        p->located[stream] = true;
        p->position[stream] = world.wrote[ERROR] > WINDOW ? UINT64_MAX : 0;
    }
    if (p->position[stream] == UINT64_MAX) return;
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != pattern(p->position[stream]++)) FAULT("a client got output that was not written there");
}

static void check_header(struct peer *p) {
    uint32_t size = get_number(p->header + 1, 4);
    if (p->ended && p->header[0] != HELLO) FAULT("something follows the exit frame");
    p->ended = false;
    if (!p->greeted && (p->header[0] != HELLO || size != HELLO_PAYLOAD)) FAULT("the first frame is not a hello");
    switch (p->header[0]) {
    case HELLO:
        if (p->greeted && (p->version > FIRST_VERSION || !p->has_sent)) FAULT("a second hello");
        p->greeted = p->announced = p->located[ERROR] = false;
        break;
    case OUTPUT:
    case ERRORS:
        if (size == 0 || size > READ_MAX) FAULT("an output frame's size");
        break;
    case ENDING:
        if (size != 0) FAULT("an ending frame with a payload");
        if (p->announced) FAULT("a second ending frame");
        p->announced = true;
        break;
    case EXIT:
        if (size != 4) FAULT("an exit frame's size");
        break;
    case FILE_STORED:
        if (size < 2 || size > UPLOAD_ANSWER_MAX) FAULT("a stored frame's size");
        break;
    case TERMINAL:
        if (size < 4 || size > TERMINAL_PAYLOAD_MAX) FAULT("a terminal frame's size");
        if (p->version <= FIRST_VERSION) FAULT("a terminal frame for a client of version 1");
        if (options.pipes) FAULT("a terminal frame without a terminal");
        break;
    default: FAULT("an unknown frame");
    }
    p->left = size;
    p->payload_got = 0;
}

static void check_payload(struct peer *p, const uint8_t *bytes, size_t size) {
    int stream = p->header[0] == OUTPUT ? MAIN : ERROR;
    if (p->header[0] == OUTPUT || p->header[0] == ERRORS) check_output(p, stream, bytes, size);
    for (size_t i = 0; i < size && p->payload_got < sizeof p->payload; i++) p->payload[p->payload_got++] = bytes[i];
    if (p->left > 0) return;
    if (p->header[0] == EXIT) p->ended = true;
    if (p->header[0] == TERMINAL && (p->payload[0] > 2 || p->payload[1] > 1 || p->payload[2] > 1 || p->payload[3] > 2))
        FAULT("a malformed terminal frame");
    if (p->header[0] != HELLO) return;
    p->version = p->payload[0];
    if (p->version < FIRST_VERSION || p->version > PROTOCOL_VERSION) FAULT("an unknown version");
    p->greeted = p->located[MAIN] = true;
    p->position[MAIN] = get_number(p->payload + 26, 4) - get_number(p->payload + 30, 4);
}

/* Reads what the program sent to a peer, and checks it. */
static bool hear(struct peer *p) {
    uint8_t bytes[READ_MAX];
    bool any = false;
    ssize_t got;
    while (p->fd >= 0 && !p->deaf && (got = recv(p->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        any = true;
        for (ssize_t at = 0; at < got;) {
            if (p->left == 0) {
                p->header[p->header_got++] = bytes[at++];
                if (p->header_got < FRAME_HEADER) continue;
                p->header_got = 0;
                check_header(p);
                continue;
            }
            size_t size = p->left < (size_t)(got - at) ? p->left : (size_t)(got - at);
            p->left -= (uint32_t)size;
            check_payload(p, bytes + at, size);
            at += (ssize_t)size;
        }
    }
    return any;
}

/* The next byte of input in what the client has sent; -1 when there is none. */
static int next_input(void) {
    while (world.payload_left == 0) {
        if (world.sent_size - world.got < FRAME_HEADER) return -1;
        const uint8_t *header = world.sent + world.got;
        uint32_t size = get_number(header + 1, 4);
        world.got += FRAME_HEADER;
        if (header[0] == INPUT && world.any_input) world.payload_left = size;
        else if (size > world.sent_size - world.got) return -1;
        else world.got += size;
        if (header[0] == GO) world.any_input = true;
    }
    if (world.got == world.sent_size) return -1;
    world.payload_left--;
    return world.sent[world.got++];
}

/* Reads the command's input, and checks it if only one client has sent something. */
static bool take_input(void) {
    uint8_t bytes[4096];
    ssize_t got;
    bool any = false;
    while (world.takes_input && world.far_in >= 0 && (got = read(world.far_in, bytes, sizeof bytes)) > 0) {
        any = true;
        if (world.connected > 1 || world.retried) continue;
        for (ssize_t i = 0; i < got; i++)
            if (next_input() != bytes[i]) FAULT("the command got input that was not sent, or in another order");
    }
    return any;
}

/* ---- The steps -------------------------------------------------------------------------------------- */

static void connect_peer(void) {
    int ends[2];
    if (world.connected == PEERS) return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) FAULT("no socket");
    world.selected = world.connected++;
    world.peers[world.selected] = (struct peer){.fd = ends[0], .pending = ends[1]};
    eventfd_write(world.listener, 1);
}

static void send_bytes(const uint8_t *bytes, size_t size) {
    struct peer *p = &world.peers[world.selected];
    if (p->fd < 0) return;
    ssize_t sent = send(p->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) p->has_sent = true;
    if (sent <= 0 || world.selected != 0) return;
    if (world.sent_size + (size_t)sent > world.sent_room) {
        world.sent_room = 2 * world.sent_room + (size_t)sent;
        world.sent = realloc(world.sent, world.sent_room);
        if (world.sent == NULL) FAULT("no memory");
    }
    memcpy(world.sent + world.sent_size, bytes, (size_t)sent);
    world.sent_size += (size_t)sent;
}

static void program_writes(int stream, size_t size) {
    static uint8_t bytes[READ_MAX];
    for (size_t i = 0; i < size; i++) bytes[i] = pattern(world.wrote[stream] + i);
    if (world.far_out[stream] < 0) return;
    ssize_t wrote = write(world.far_out[stream], bytes, size);
    if (wrote > 0) world.wrote[stream] += (uint64_t)wrote;
}

static unsigned argument(void) { return world.at < world.end ? *world.at++ : 0; }

static void next_step(void) {
    static uint8_t many[READ_MAX];
    unsigned step = argument();
    struct peer *p = &world.peers[world.selected];
    switch (step) {
    case CONNECT: connect_peer(); break;
    case SELECT: world.selected = (world.selected + 1) % world.connected; break;
    case LEAVE:
        if (p->fd >= 0) close(p->fd);
        p->fd = -1;
        break;
    case DEAFEN: p->deaf = true; break;
    case HEAR: p->deaf = false; break;
    case WRITES: program_writes(MAIN, argument() << 8 | 1); break;
    case COMPLAINS: program_writes(ERROR, argument() << 8 | 1); break;
    case TAKES_NONE: world.takes_input = false; break;
    case TAKES_ALL: world.takes_input = true; break;
    case ENDS:
        world.status = (int)argument();
        world.ended = server.command.pid == NOBODY && server.phase == RUNNING;
        if (argument() & 1) close_far(); /* otherwise its children keep its output open */
        reap(&server, world.now);
        break;
    case TIME_PASSES: world.now += 1 << (argument() % 16); break;
    case ASKED_TO_END:
        if (!server.stopping) {
            server.stopping = true;
            server.stopping_since = world.now;
        }
        break;
    case SENDS_MANY: {
        size_t size = argument() << 8;
        memset(many, (int)argument(), size);
        send_bytes(many, size);
        break;
    }
    case FOREGROUND: {
        static const pid_t groups[] = {0, NOBODY, NOBODY - 1, -1};
        world.foreground = groups[argument() % 4];
        break;
    }
    default: {
        size_t left = (size_t)(world.end - world.at), size = step < left ? step : left;
        send_bytes(world.at, size);
        world.at += size;
    }
    }
}

/* All steps are done: every peer reads, the command ends, and the program has to end too. */
static void finish(void) {
    for (int i = 0; i < world.connected; i++) world.peers[i].deaf = false;
    world.takes_input = true;
    if (!server.stopping) {
        server.stopping = true;
        server.stopping_since = world.now;
    }
    if (server.phase == RUNNING) {
        world.ended = true;
        world.status = 0;
        close_far();
        reap(&server, world.now);
    }
    world.finishing = true;
}

static int sham_poll(struct pollfd *places, nfds_t count, int timeout) {
    bool heard = take_input();
    for (int i = 0; i < world.connected; i++) heard = hear(&world.peers[i]) || heard;
    if (++world.turns > world.limit) FAULT("the loop never ends");
    int ready = poll(places, count, 0);
    if (ready != 0 || heard) return ready;
    if (world.at < world.end) {
        next_step();
    } else if (!world.finishing) {
        finish();
    } else {
        if (timeout < 0) FAULT("the program waits for nothing");
        world.now += timeout;
    }
    return 0; /* what it chose to wait for may have changed */
}

/* ---- One input -------------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info, (void)kind, (void)place;
    return remove(path);
}

static void remove_scratch(void) { nftw(scratch, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

static int open_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 128; fd++) count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void fuzz_command_line(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1), *arguments[18] = {NULL};
    memcpy(text, data, size);
    text[size] = 0;
    char *at = text;
    for (int i = 0; i < 17 && at < text + size; i++, at += strlen(at) + 1) arguments[i] = at;
    options = (struct options){0};
    if (setjmp(given_up) == 0) {
        parse_options(&options, arguments);
        if (options.socket_path == NULL || options.command == NULL || *options.command == NULL) FAULT("nothing to run");
        if (options.pipes != (options.columns == 0) || options.hangup_after < 0) FAULT("contradictory options");
    }
    free(text);
}

static void fuzz_program_name(const uint8_t *data, size_t size) {
    char short_name[16] = {0}, name[PROGRAM_NAME_MAX + 1];
    size_t first = size < 15 ? size : 15;
    memcpy(short_name, data, first);
    char *arguments = malloc(size - first + 1); /* so that a read beyond its end is found */
    memcpy(arguments, data + first, size - first);
    program_name(short_name, arguments, size - first, name);
    for (const char *at = name; *at != 0;) {
        size_t bytes = character_size(at);
        if (bytes == 0) FAULT("a name that cannot be printed");
        at += bytes;
    }
    free(arguments);
}

static void fuzz_run(uint8_t kind, const uint8_t *data, size_t size) {
    static char *command[] = {"command", NULL};
    memset(&world, 0, sizeof world);
    world.at = data;
    world.end = data + size;
    world.limit = 2000 + 200 * (unsigned)size;
    world.now = 1000;
    world.takes_input = true;
    world.far_in = world.far_out[MAIN] = world.far_out[ERROR] = -1;
    world.listener = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    const bool pipes = !(kind & IN_TERMINAL);
    options = (struct options){
        .socket_path = socket_path,
        .command = command,
        .pipes = pipes,
        .merged = pipes && kind & MERGED,
        .retries = pipes && kind & RETRIES ? 2 : 0,
        .columns = pipes ? 0 : 80,
        .rows = pipes ? 0 : 80,
        .hangup_after = 5000,
        .kill_after = 10000,
        .retry_after = 10000,
    };
    memset(&server, 0, offsetof(struct server, output));
    server_init(&server, &options);
    server.listener.fd = world.listener;
    server.output.complete = server.output.ending = false;
    server.output.terminal_changes = 0;
    for (int i = 0; i < STREAMS; i++) server.output.rings[i].total = 0;

    connect_peer();
    if (kind & STARTED) {
        static const uint8_t go[] = {GO, 0, 0, 0, 1, 0};
        send_bytes(go, sizeof go);
    }
    if (setjmp(given_up) == 0) server_loop(&server);
    server_close(&server);
    for (int i = 0; i < world.connected; i++) {
        if (world.peers[i].fd >= 0) close(world.peers[i].fd);
        if (world.peers[i].pending >= 0) close(world.peers[i].pending);
    }
    close_far();
    free(world.sent);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    signal(SIGPIPE, SIG_IGN);
    nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere < 0 || mkdtemp(scratch) == NULL) FAULT("no scratch directory");
    atexit(remove_scratch);
    snprintf(prompt_file, sizeof prompt_file, "%s/prompt", scratch);
    snprintf(socket_path, sizeof socket_path, "%s/agent.sock", scratch);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    int before = open_descriptors();
    if (*data & COMMAND_LINE) fuzz_command_line(data + 1, size - 1);
    else if (*data & PROGRAM_NAME) fuzz_program_name(data + 1, size - 1);
    else fuzz_run(*data, data + 1, size - 1);
    if (open_descriptors() != before) FAULT("a descriptor was left open");
    remove_scratch();
    mkdir(scratch, 0700);
    return 0;
}
