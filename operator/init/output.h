// SPDX-License-Identifier: Apache-2.0
/* What clients receive from the command. */
#ifndef TASKYARD_OUTPUT_H
#define TASKYARD_OUTPUT_H

#include <stdbool.h>

#include "ring.h"
#include "terminal_state.h"

/* The terminal or standard output, and standard error where it has a pipe of its own. */
enum { MAIN, ERROR, STREAMS };

struct output {
    bool ending;   /* the command is about to be asked to end */
    bool complete; /* nothing will be added, and the status is known */
    int status;
    struct terminal_state terminal; /* what the kernel knows about it now, */
    uint64_t terminal_changes;      /* how often that has changed (0: nothing is known yet), */
    uint64_t terminal_at;           /* and how much output there was when it last did */
    struct ring rings[STREAMS];
};

#endif
