// SPDX-License-Identifier: Apache-2.0
/* What the kernel knows about the command's terminal, as the terminal frame tells it. */
#ifndef TASKYARD_TERMINAL_STATE_H
#define TASKYARD_TERMINAL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRAM_NAME_MAX = 64, TERMINAL_PAYLOAD_MAX = 4 + PROGRAM_NAME_MAX };

enum foreground { FOREGROUND_OWN = 0, FOREGROUND_OTHER = 1, FOREGROUND_UNKNOWN = 2 };
enum reader { READER_NO = 0, READER_YES = 1, READER_UNKNOWN = 2 };

struct terminal_state {
    enum foreground foreground; /* the group in the foreground is the agent's, or another: a shell's job */
    bool canonical, echo;       /* line by line; what is typed is shown */
    enum reader reader;         /* a process of that group waits for input from this terminal */
    char name[PROGRAM_NAME_MAX + 1]; /* of its program, printable UTF-8; empty: not known */
};

bool is_same_state(const struct terminal_state *one, const struct terminal_state *other);

/* Returns the payload's size, at most TERMINAL_PAYLOAD_MAX. */
size_t put_terminal(uint8_t *payload, const struct terminal_state *state);

#endif
