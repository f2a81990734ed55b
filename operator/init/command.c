// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "command.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "environment.h"
#include "log.h"

/* ---- Its terminal or pipes -------------------------------------------------------------------------- */

/* The command's descriptors 0, 1 and 2. */
struct ends {
    int fd[3];
};

static void close_ends(struct ends *ends) {
    for (int i = 0; i < 3; i++) /* some may be the same */
        if (ends->fd[i] >= 0 && (i == 0 || ends->fd[i] != ends->fd[i - 1])) close(ends->fd[i]);
}

static void set_window(const struct command *c) {
    struct winsize size = {.ws_col = c->columns, .ws_row = c->rows};
    if (!c->pipes && c->out[MAIN] >= 0) ioctl(c->out[MAIN], TIOCSWINSZ, &size);
}

void command_resize(struct command *c, uint16_t columns, uint16_t rows) {
    if (c->pipes) return;
    c->columns = columns;
    c->rows = rows;
    set_window(c);
}

/* Opens a terminal; returns whether that succeeded, with errno set if not. */
static bool open_terminal(struct command *c, struct ends *ends) {
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
    struct stat info;
    if (fstat(slave, &info) == 0) c->terminal = (struct terminal_device){info.st_dev, info.st_rdev};
    struct termios modes;
    if (tcgetattr(slave, &modes) == 0) {
        modes.c_iflag |= IUTF8; /* so the line editor erases whole characters */
        tcsetattr(slave, TCSANOW, &modes);
    }
    c->out[MAIN] = c->in = master;
    set_window(c);
    *ends = (struct ends){{slave, slave, slave}};
    return true;
}

/* Opens a pipe. Our end does not block; the other one may, as the command likes. */
static bool open_pipe(int *ours, int *theirs, bool ours_writes) {
    int fd[2];
    if (pipe2(fd, O_CLOEXEC) != 0) return false;
    *ours = fd[ours_writes];
    *theirs = fd[!ours_writes];
    return fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
}

static bool open_pipes(struct command *c, struct ends *ends) {
    *ends = (struct ends){{-1, -1, -1}};
    if (!open_pipe(&c->in, &ends->fd[0], true)) return false;
    if (!open_pipe(&c->out[MAIN], &ends->fd[1], false)) return false;
    if (!c->merged) return open_pipe(&c->out[ERROR], &ends->fd[2], false);
    ends->fd[2] = ends->fd[1];
    return true;
}

void command_close_input(struct command *c) {
    if (c->in >= 0 && c->in != c->out[MAIN]) close(c->in);
    c->in = -1;
}

void command_close_output(struct command *c, int stream) {
    if (c->out[stream] >= 0) close(c->out[stream]);
    c->out[stream] = -1;
}

void command_close(struct command *c) {
    command_close_input(c);
    for (int i = 0; i < STREAMS; i++) command_close_output(c, i);
}

/* ---- Its process ------------------------------------------------------------------------------------ */

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

/* In the child: becomes the command, in a session of its own with the terminal as its controlling terminal. */
static _Noreturn void become_command(const struct command *c, const struct ends *ends) {
    int log = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3); /* the container's log, for an error at the end */
    bool done = setsid() >= 0 && (c->pipes || ioctl(ends->fd[0], TIOCSCTTY, 0) == 0);
    for (int i = 0; i < 3; i++) done = done && dup2(ends->fd[i], i) >= 0; /* all of them are above 2 */
    if (!done) {
        if (log >= 0) dup2(log, STDERR_FILENO);
        FAIL("cannot make the terminal the command's own: %s", strerror(errno));
    }
    if (log > 3) dup3(log, 3, O_CLOEXEC); /* so that all above 3 can be closed */
    close_descriptors_from(log < 0 ? 3 : 4);
    reset_signals();
    execvp(c->arguments[0], c->arguments);
    if (errno == E2BIG && !c->merged) { /* it gets the prompt in another way too */
        unset_prompt();
        execvp(c->arguments[0], c->arguments);
    }

    int error = errno;
    bool missing = error == ENOENT || error == ENOTDIR;
    char excess[REASON_MAX];
    const char *hint = "";
    if (missing && strchr(c->arguments[0], '/') != NULL && access(c->arguments[0], F_OK) == 0) {
        missing = false;
        hint = " (the file exists; the interpreter or loader that it names does not)";
    } else if (error == E2BIG) {
        explain_excess(c->arguments, excess);
        hint = excess;
    } else if (missing && strchr(c->arguments[0], '/') == NULL) {
        hint = getenv("PATH") != NULL ? " (looked for in PATH)" : " (PATH is not set)";
    }
    for (int copies = 0; copies < 2; copies++) { /* for those who see its output, and for the log */
        say("cannot run %s: %s%s", c->arguments[0], strerror(error), hint);
        if (dup2(3, STDERR_FILENO) < 0) break;
    }
    _exit(missing ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

bool command_launch(struct command *c) {
    struct ends ends = {{-1, -1, -1}};
    if (!(c->pipes ? open_pipes(c, &ends) : open_terminal(c, &ends))) {
        say(c->pipes ? "cannot open a pipe: %s" : "cannot open a terminal (/dev/ptmx): %s", strerror(errno));
        close_ends(&ends);
        return false;
    }
    c->pid = fork();
    if (c->pid == 0) become_command(c, &ends);
    if (c->pid < 0) say("cannot start a process: %s", strerror(errno));
    /* Not kept open here: otherwise the kernel would hang up the terminal at the command's end, and discard output
     * that was not read yet; and a pipe would never end. */
    close_ends(&ends);
    return c->pid > 0;
}

/* ---- Its signals ------------------------------------------------------------------------------------ */

void command_signal(const struct command *c, int number) {
    /* Each group is continued too, since a stopped process acts on a signal only when it continues. */
    int terminal = c->pipes ? -1 : c->out[MAIN];
    pid_t foreground = terminal >= 0 ? tcgetpgrp(terminal) : -1;
    if (foreground > 1 && foreground != c->pid && foreground != getpgrp()) {
        kill(-foreground, number);
        kill(-foreground, SIGCONT);
    }
    if (kill(-c->pid, number) != 0) kill(c->pid, number); /* just forked: it has no group of its own yet */
    kill(-c->pid, SIGCONT);
}

void command_kill_session(const struct command *c) {
    DIR *processes = opendir("/proc");
    if (processes == NULL) return;
    for (struct dirent *entry; (entry = readdir(processes)) != NULL;) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 1 && getsid(pid) == c->pid) kill(pid, SIGKILL);
    }
    closedir(processes);
}
