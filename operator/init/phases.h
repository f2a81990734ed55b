// SPDX-License-Identifier: Apache-2.0
/* What follows what: the command's start, its end, further attempts, and the way down after a signal. */
#ifndef TASKYARD_PHASES_H
#define TASKYARD_PHASES_H

#include "server.h"

/* go has come: the environment as in its frame, the prompt behind it. */
void start_command(struct server *s, const uint8_t *environment, const uint8_t *prompt, size_t size, int64_t now);

/* Takes the status of children that have ended. */
void reap(struct server *s, int64_t now);

/* Does what is due by now; returns whether all is done, so that the status can be ended with. */
bool pass_phases(struct server *s, int64_t now);

/* When the next of that is due; NEVER: not before something happens. */
int64_t next_phase_at(const struct server *s);

/* The steps of the way down that are due, and when the next one is. */
void step_down(struct server *s, int64_t now);
int64_t next_step_at(const struct server *s);

/* Nothing more goes to the command, also not what waits. */
void close_input(struct server *s);

void close_command(struct server *s);

/* What a new client is told of the phase. */
enum hello_state visible_state(const struct server *s);

#endif
