// SPDX-License-Identifier: Apache-2.0
/* All connections, and the order in which their input is due. */
#ifndef TASKYARD_CLIENTS_H
#define TASKYARD_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"

enum { MAX_CLIENTS = 32 };

struct clients {
    struct client places[MAX_CLIENTS];
    uint64_t last_ticket;
};

void clients_init(struct clients *all);

/* NULL: no place is free. */
struct client *clients_free_place(struct clients *all);

/* Is one of them so far behind that no more output may be read? */
bool clients_hold_up(const struct clients *all, const struct output *output);

/* Drops those that have made no progress for too long and hold up the command or keep input that it does not take. */
void clients_drop_stalled(struct clients *all, const struct output *output, int64_t now);

/* When the next one has to be dropped if nothing happens; NEVER: none. */
int64_t clients_next_deadline(const struct clients *all);

/* The client's frame is input: queues it for the command, behind those that already wait. */
void clients_queue_input(struct clients *all, struct client *c, int64_t now);

/* The client whose input is due; NULL: none waits. */
struct client *clients_next_with_input(struct clients *all);
void clients_discard_input(struct clients *all);

/* Does one of them speak version 2, so that it is told about the terminal? */
bool clients_want_terminal(const struct clients *all);

/* Has every client that can still receive got all the output, and the exit frame? One that has only just connected may
 * be about to say which version it speaks, and to get everything again. */
bool clients_have_everything(const struct clients *all, int64_t now);

/* When the last of these has had the time for it; 0: none is new. */
int64_t clients_greeted_by(const struct clients *all);

/* Closes all connections. */
void clients_dismiss(struct clients *all);

#endif
