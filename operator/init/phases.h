// SPDX-License-Identifier: Apache-2.0
/* The sequence of phases: the command's start, its end, further attempts, and the steps of a shutdown. */
#ifndef TASKYARD_PHASES_H
#define TASKYARD_PHASES_H

#include "server.h"

/* A go frame has arrived: the environment is as in the frame, and the prompt follows it. */
void start_command(struct server *s, const uint8_t *environment, const uint8_t *prompt, size_t size, int64_t now);

/* Collects the exit status of children that have ended. */
void reap(struct server *s, int64_t now);

/* Does what is due by now; returns whether all is done, so that the program can exit with the status. */
bool pass_phases(struct server *s, int64_t now);

/* When the next thing is due; NEVER: not before something happens. */
int64_t next_phase_at(const struct server *s, int64_t now);

/* Takes the steps of the shutdown that are due. next_step_at: when the next one is. */
void step_down(struct server *s, int64_t now);
int64_t next_step_at(const struct server *s);

/* Nothing more is sent to the command, not even input that waits. */
void close_input(struct server *s);

void close_command(struct server *s);

/* The phase, as a new client sees it. */
enum hello_state visible_state(const struct server *s);

#endif
