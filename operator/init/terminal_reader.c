// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "terminal_reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "small_file.h"

/* What one look may cost. Beyond it the answer is "unknown". */
enum {
    PROCESSES_MAX = 8192, /* of the container */
    THREADS_MAX = 1024,   /* of the group */
    POLLED_MAX = 256,     /* descriptors of one poll() */
    SELECTED_MAX = 1024,  /* descriptors of one select() */
    EPOLL_MAX = 64 << 10, /* bytes that tell what one epoll descriptor waits for */
};

struct thread {
    pid_t process, id;
    const struct terminal_device *terminal;
};

struct call {
    long number;
    unsigned long argument[6];
};

/* After a failure with errno: a thread that is gone does not read; all else is not known. */
static enum reader after_failure(void) { return errno == ENOENT || errno == ESRCH ? READER_NO : READER_UNKNOWN; }

static enum reader found(bool yes) { return yes ? READER_YES : READER_NO; }

/* ---- Is this descriptor the terminal? --------------------------------------------------------------- */

/* A stat() of any other file could wait for its file server, so the name is looked at before. The names are
 * /dev/pts/N, /dev/tty and /dev/console, and /N where another file system for terminals is mounted here. */
static bool may_be_terminal(const char *name) {
    return strncmp(name, "/dev/", 5) == 0 || (name[0] == '/' && name[1 + strspn(name + 1, "0123456789")] == 0);
}

static enum reader is_terminal(const struct thread *t, unsigned long fd) {
    const dev_t own_terminal = makedev(5, 0); /* /dev/tty: the controlling terminal, which a foreground process shares */
    char path[64], name[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/fd/%u", (int)t->process, (int)t->id, (unsigned)fd);
    ssize_t size = readlink(path, name, sizeof name - 1);
    if (size < 0) return after_failure();
    name[size] = 0;
    if (!may_be_terminal(name)) return READER_NO;
    struct stat info;
    if (stat(path, &info) != 0) return after_failure();
    if (!S_ISCHR(info.st_mode)) return READER_NO;
    return found(info.st_rdev == own_terminal ||
                 (info.st_rdev == t->terminal->number && info.st_dev == t->terminal->file_system));
}

/* ---- What a blocked call waits for ------------------------------------------------------------------ */

static ssize_t read_memory(const struct thread *t, unsigned long address, void *to, size_t size) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/mem", (int)t->process, (int)t->id);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t got = pread(fd, to, size, (off_t)address);
    int error = errno;
    close(fd);
    errno = error == EIO ? ESRCH : error; /* no such memory: the call was another by now */
    return got;
}

static enum reader poll_waits(const struct thread *t, unsigned long address, unsigned long count) {
    struct pollfd places[POLLED_MAX];
    bool all = count <= POLLED_MAX;
    size_t size = (all ? count : POLLED_MAX) * sizeof *places;
    if (size == 0) return READER_NO;
    ssize_t got = read_memory(t, address, places, size);
    if (got < 0) return after_failure();
    enum reader result = all ? READER_NO : READER_UNKNOWN;
    for (size_t i = 0; i < (size_t)got / sizeof *places; i++) {
        if (places[i].fd < 0 || !(places[i].events & (POLLIN | POLLRDNORM))) continue;
        enum reader one = is_terminal(t, (unsigned)places[i].fd);
        if (one == READER_YES) return READER_YES;
        if (one == READER_UNKNOWN) result = READER_UNKNOWN;
    }
    return result;
}

static enum reader select_waits(const struct thread *t, unsigned long count, unsigned long address) {
    enum { BITS = 8 * sizeof(unsigned long) };
    unsigned long set[SELECTED_MAX / BITS] = {0};
    if (address == 0 || count == 0) return READER_NO;
    bool all = count <= SELECTED_MAX;
    if (!all) count = SELECTED_MAX;
    if (read_memory(t, address, set, (count + BITS - 1) / BITS * sizeof *set) < 0) return after_failure();
    enum reader result = all ? READER_NO : READER_UNKNOWN;
    for (unsigned fd = 0; fd < count; fd++) {
        if (!(set[fd / BITS] >> fd % BITS & 1)) continue;
        enum reader one = is_terminal(t, fd);
        if (one == READER_YES) return READER_YES;
        if (one == READER_UNKNOWN) result = READER_UNKNOWN;
    }
    return result;
}

/* The kernel lists what an epoll descriptor waits for, a line each: "tfd: 0 events: 19 data: ...". */
static enum reader epoll_waits(const struct thread *t, unsigned long epoll) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/task/%d/fdinfo/%u", (int)t->process, (int)t->id, (unsigned)epoll);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return after_failure();
    enum reader result = READER_NO;
    size_t used = 0, total = 0;
    for (ssize_t got; result != READER_YES && (got = read(fd, line + used, sizeof line - 1 - used)) > 0;) {
        used += (size_t)got;
        if ((total += (size_t)got) > EPOLL_MAX) {
            result = READER_UNKNOWN;
            break;
        }
        char *at = line, *next;
        line[used] = 0;
        for (; (next = strchr(at, '\n')) != NULL && result != READER_YES; at = next + 1) {
            unsigned watched, events;
            *next = 0;
            if (sscanf(at, "tfd: %u events: %x", &watched, &events) != 2 || !(events & EPOLLIN)) continue;
            enum reader one = is_terminal(t, watched);
            if (one != READER_NO) result = one;
        }
        used = next == NULL ? strlen(at) : 0;
        if (used == sizeof line - 1) used = 0; /* none of these lines is that long */
        memmove(line, at, used);
    }
    close(fd);
    return result;
}

static enum reader call_waits(const struct thread *t, const struct call *call) {
    const unsigned long *argument = call->argument;
    switch (call->number) {
    case SYS_read:
    case SYS_readv:
    case SYS_preadv:
    case SYS_preadv2: return is_terminal(t, argument[0]);
#ifdef SYS_poll
    case SYS_poll:
#endif
    case SYS_ppoll: return poll_waits(t, argument[0], argument[1]);
    /* A poll() that went on after a stop has this number; so have sleeps, whose second argument is an address. */
    case SYS_restart_syscall: return argument[1] <= 64 ? poll_waits(t, argument[0], argument[1]) : READER_NO;
#ifdef SYS_select
    case SYS_select:
#endif
    case SYS_pselect6: return select_waits(t, argument[0], argument[1]);
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
#ifdef SYS_epoll_pwait2
    case SYS_epoll_pwait2:
#endif
    case SYS_epoll_pwait: return epoll_waits(t, argument[0]);
    case SYS_io_uring_enter: return READER_UNKNOWN; /* it may wait for anything */
    default: return READER_NO;
    }
}

/* ---- Threads and processes -------------------------------------------------------------------------- */

/* Some sandboxes have no such file for any process. */
static bool kernel_tells_calls(void) {
    static int tells = -1;
    if (tells < 0) tells = access("/proc/self/syscall", F_OK) == 0;
    return tells;
}

static enum reader thread_waits(const struct thread *t) {
    char path[64], text[256];
    if (!kernel_tells_calls()) return READER_UNKNOWN;
    snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", (int)t->process, (int)t->id);
    ssize_t size = read_small_file(path, text, sizeof text - 1);
    if (size < 0) return after_failure();
    text[size] = 0;
    struct call call;
    unsigned long *a = call.argument, stack, code;
    /* A thread that runs, or is about to, has the word "running" there. */
    if (sscanf(text, "%ld %lx %lx %lx %lx %lx %lx %lx %lx", &call.number, a, a + 1, a + 2, a + 3, a + 4, a + 5, &stack,
               &code) != 9)
        return READER_NO;
    /* A program of 32 bits on a kernel of 64: its system calls have other numbers. */
    if (sizeof stack == 8 && (stack | code) >> 16 >> 16 == 0) return READER_UNKNOWN;
    return call_waits(t, &call);
}

/* The letter for the state of a process; 0: it is gone. */
static char process_state(pid_t process) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    ssize_t size = read_small_file(path, text, sizeof text - 1);
    if (size <= 0) return 0;
    text[size] = 0;
    const char *end = strrchr(text, ')'); /* of its name, which may hold anything */
    return end != NULL && end[1] == ' ' ? end[2] : 0;
}

static pid_t number_of(const struct dirent *entry) { return (pid_t)strtol(entry->d_name, NULL, 10); }

static enum reader process_waits(struct reading *r, pid_t process, const struct terminal_device *terminal,
                                 int *threads) {
    char path[64], state = process_state(process);
    if (state == 0 || state == 'T' || state == 't') return READER_NO; /* stopped */
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *tasks = opendir(path);
    if (tasks == NULL) return after_failure();
    enum reader result = READER_NO;
    for (struct dirent *entry; result != READER_YES && (entry = readdir(tasks)) != NULL;) {
        const struct thread t = {process, number_of(entry), terminal};
        if (t.id <= 0) continue;
        if (++*threads > THREADS_MAX) {
            result = READER_UNKNOWN;
            break;
        }
        enum reader one = thread_waits(&t);
        if (one != READER_NO && state != 'Z') result = one;
        if (one != READER_YES) continue;
        r->process = process;
        r->thread = t.id;
        result = READER_YES;
    }
    closedir(tasks);
    return result;
}

static bool still_waits(const struct reading *r, const struct terminal_device *terminal) {
    const struct thread t = {r->process, r->thread, terminal};
    char state = process_state(r->process);
    return state != 0 && state != 'T' && state != 't' && thread_waits(&t) == READER_YES;
}

void look_for_reader(struct reading *r, pid_t group, const struct terminal_device *terminal) {
    r->member = getpgid(group) == group ? group : 0;
    if (r->process != 0 && getpgid(r->process) != group) r->process = r->thread = 0;
    if (r->process != 0 && still_waits(r, terminal)) {
        r->reader = READER_YES;
        return;
    }
    r->reader = READER_UNKNOWN;
    DIR *processes = opendir("/proc");
    if (processes == NULL) return;
    r->reader = READER_NO;
    int seen = 0, threads = 0;
    for (struct dirent *entry; r->reader != READER_YES && (entry = readdir(processes)) != NULL;) {
        pid_t process = number_of(entry);
        if (process <= 0) continue;
        if (++seen > PROCESSES_MAX) {
            r->reader = READER_UNKNOWN;
            break;
        }
        if (getpgid(process) != group) continue;
        if (r->member == 0) r->member = process;
        enum reader one = process_waits(r, process, terminal, &threads);
        if (one != READER_NO) r->reader = one;
    }
    closedir(processes);
    /* There is one, but /proc does not show it. */
    if (r->member == 0 && (kill(-group, 0) == 0 || errno == EPERM)) r->reader = READER_UNKNOWN;
}
