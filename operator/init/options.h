// SPDX-License-Identifier: Apache-2.0
/* The command line of `taskyard-init run`. */
#ifndef TASKYARD_OPTIONS_H
#define TASKYARD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
    const char *socket_path;
    char **command;          /* the program and its arguments, ended by NULL */
    bool pipes, merged;      /* pipes instead of a terminal; one for standard output and error */
    uint16_t columns, rows;  /* the terminal's size at the start; 0 with pipes */
    int64_t hangup_after, kill_after, retry_after; /* milliseconds */
    unsigned retries;        /* further attempts after a failure */
};

/* Parses the arguments after the word "run", ended by NULL, which are not copied. Ends the program when they are
 * wrong. */
void parse_options(struct options *o, char **argument);

#endif
