// SPDX-License-Identifier: Apache-2.0
/*
 * One client's connection. The output that it receives comes from the rings, each read at a position of its own; of
 * what it sends, one frame at a time is held, and nothing more is read from it until that frame is done.
 */
#ifndef TASKYARD_CLIENT_H
#define TASKYARD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frames.h"
#include "output.h"
#include "upload.h"

struct client {
    int fd;                  /* -1: this place is free */
    bool deaf;               /* its side is closed: nothing more can be sent to it, what it sent is still taken */
    uint8_t header[FRAME_HEADER];
    uint32_t header_got;
    uint8_t *payload;        /* of the frame that is arriving, or that waits for the command */
    uint32_t payload_size, payload_got, delivered;
    uint64_t ticket;         /* not 0: its input frame is complete and waits; the lowest is next */
    uint8_t head[FRAME_HEADER + UPLOAD_ANSWER_MAX]; /* what is being sent; the bytes after it come from a ring */
    size_t head_size, head_sent;
    uint32_t frame_left;
    int sending;             /* the stream of that frame */
    uint64_t position[STREAMS]; /* of the next byte to send */
    bool ending_queued, exit_queued;
    bool has_spoken;         /* a whole frame has come from it */
    int64_t opened_at;
    uint8_t version;         /* of the protocol, as spoken with it */
    struct hello greeting;   /* of version 2 and later: begins the stream again; version 0: none is due */
    uint64_t replay_until, terminal_changes; /* the replay's end; the newest terminal frame for it */
    struct upload upload;    /* the file that it sends */
    uint8_t stored[UPLOAD_ANSWER_MAX]; /* the result of the last file */
    size_t stored_size;      /* 0: the client has been told */
    int64_t progress_at;     /* when something last went to it, or from it to the command */
    int64_t held_since;      /* since when it has held up the command; 0: it does not */
};

/* Puts a new connection into a free place. `hello` is the first frame for it; `total` and `replay` are filled in. */
void client_open(struct client *c, int fd, struct hello hello, const struct output *output, int64_t now);
void client_close(struct client *c);

/* The client speaks the version of this hello: after the frame that is being sent, it gets the stream from its start
 * again, beginning with this hello, of which `total` and `replay` are filled in. */
void client_begin_again(struct client *c, struct hello hello);

/* Is there something to send? Begins the next frame when the last one has been sent. */
bool client_has_something_to_send(struct client *c, const struct output *output);
void client_send(struct client *c, struct output *output, int64_t now);

/* Is it so far behind that more output could overwrite what it has not received yet? */
bool client_is_behind(const struct client *c, const struct output *output);

/* Takes what has arrived, up to the end of one frame; returns whether that frame is complete. Closes a client that has
 * disconnected, or that sent an invalid frame. */
bool client_receive(struct client *c);

/* Frees the frame that it sent. */
void client_end_frame(struct client *c);

#endif
