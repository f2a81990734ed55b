// SPDX-License-Identifier: Apache-2.0
/* One run: the socket with its clients on one side, the command on the other. */
#ifndef TASKYARD_SERVER_H
#define TASKYARD_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "clients.h"
#include "command.h"
#include "listener.h"
#include "options.h"
#include "output.h"
#include "terminal_watch.h"

enum phase {
    WAITING,   /* for go */
    RUNNING,   /* the command runs */
    DRAINING,  /* the command has ended; the terminal may still hold its output */
    RESTING,   /* between two attempts */
    FLUSHING,  /* the clients get the remaining output and the exit frame */
};

struct server {
    const struct options *options;
    int signals;             /* their descriptor */

    struct listener listener;
    struct clients clients;
    uint8_t instance[16];

    struct command command;
    struct watch watch;      /* of its terminal */
    enum phase phase;
    int status;              /* of the last attempt */
    unsigned attempt;        /* from 0 */
    int64_t retry_at;
    int64_t rest_until;      /* no process has the terminal open: look again then; 0: one has */
    bool output_ended;       /* that of the terminal */
    int64_t quiet_since, drain_by, flush_by;

    bool stopping;           /* asked to end */
    int64_t stopping_since;
    int steps_taken;         /* of the shutdown */

    struct output output;    /* last: it is large, and need not be cleared */
};

/* Turns a zeroed server into one that waits for go, without a socket and without signals. */
void server_init(struct server *s, const struct options *options);

/* The hello to a client that connects now, in that version of the protocol. */
struct hello hello_for(const struct server *s, uint8_t version);

/* Runs until there is an exit status, and returns it. */
int server_loop(struct server *s);

/* Closes everything that is open. */
void server_close(struct server *s);

/* The whole of `taskyard-init run`. */
int server_run(struct server *s, const struct options *options);

#endif
