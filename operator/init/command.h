// SPDX-License-Identifier: Apache-2.0
/* The agent's command: its process, and its terminal or pipes. */
#ifndef TASKYARD_COMMAND_H
#define TASKYARD_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "output.h"
#include "terminal_reader.h"

struct command {
    char **arguments;       /* the program and its arguments, ended by NULL */
    bool pipes, merged;     /* pipes instead of a terminal; one for standard output and error */
    uint16_t columns, rows; /* of the terminal; 0 with pipes */
    struct terminal_device terminal; /* as processes have it open */
    pid_t pid;
    int in, out[STREAMS];   /* -1: there is none, or it has ended. With a terminal `in` and the main one are the same */
};

/* Starts it, for the first time or again; false when that failed, with the reason in the log. */
bool command_launch(struct command *c);

void command_resize(struct command *c, uint16_t columns, uint16_t rows);

/* Signals the command's process group, and the one in the foreground of its terminal: a shell's job. */
void command_signal(const struct command *c, int number);

/* Kills the processes of the command's session, whatever their process groups are. */
void command_kill_session(const struct command *c);

/* With a terminal, only forgets the descriptor. */
void command_close_input(struct command *c);
void command_close_output(struct command *c, int stream);
void command_close(struct command *c);

#endif
