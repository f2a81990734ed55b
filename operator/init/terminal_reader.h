// SPDX-License-Identifier: Apache-2.0
/*
 * Whether a process of a group waits for input from the command's terminal. /proc tells of each thread which system
 * call it is blocked in, and with which arguments: a read, or a wait (poll, select, epoll) for one.
 */
#ifndef TASKYARD_TERMINAL_READER_H
#define TASKYARD_TERMINAL_READER_H

#include <sys/types.h>

#include "terminal_state.h"

/* The terminal that processes have open. */
struct terminal_device {
    dev_t file_system, number;
};

struct reading {
    enum reader reader;    /* unknown: none was found, but not all could be looked at */
    pid_t process, thread; /* that reads, else the one that did last; 0: none */
    pid_t member;          /* some process of the group: its leader, else the oldest; 0: none */
};

/* Looks again; the one found the last time is looked at first. */
void look_for_reader(struct reading *r, pid_t group, const struct terminal_device *terminal);

#endif
