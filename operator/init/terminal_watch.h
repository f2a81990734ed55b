// SPDX-License-Identifier: Apache-2.0
/*
 * When to ask the kernel about the terminal. It sends no event for what it knows, so it is asked
 *   - after each read or write of the terminal: at once, and until a second later, since the program may need that long
 *     to take what was typed;
 *   - four times a second while another group has the foreground, or nobody reads;
 *   - and not at all while the terminal is at rest: the command's own group reads; or only the screen can tell, since
 *     the program draws it itself, or the kernel does not tell whether it reads, and it has been silent for a minute.
 */
#ifndef TASKYARD_TERMINAL_WATCH_H
#define TASKYARD_TERMINAL_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"
#include "output.h"
#include "terminal_reader.h"

struct watch {
    int64_t traffic_at; /* the last read or write */
    int64_t looked_at;  /* 0: not since the command started or a client began to listen */
    bool is_costly;     /* a look takes a millisecond or more: many processes */
    pid_t agent;        /* the group that took input first, while the command's own has not; 0: none has */
    struct reading reading;
};

/* The command has started, for the first time or again. */
void watch_start(struct watch *w, int64_t now);

/* A client begins to listen: the next look is due. */
void watch_from_now(struct watch *w, int64_t now);

/* Output was read. */
void watch_output(struct watch *w, int64_t now);

/* Input was written: until the next look nobody waits for input any more. */
void watch_input(struct watch *w, struct output *output, int64_t now);

/* When the next look is due; NEVER: not before there is traffic. */
int64_t watch_next_look(const struct watch *w, const struct output *output);

/* Looks, and puts what has changed into `output`. */
void watch_look(struct watch *w, const struct command *c, struct output *output, int64_t now);

#endif
