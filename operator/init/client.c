// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

static const enum frame_type FRAME_OF[STREAMS] = {OUTPUT, ERRORS};

/* ---- Connecting and closing ------------------------------------------------------------------------- */

/* Begins a frame whose first `in_head` bytes of payload are in the head; returns where they go. */
static uint8_t *begin_frame(struct client *c, enum frame_type type, uint32_t size, size_t in_head) {
    put_header(c->head, type, size);
    c->head_size = FRAME_HEADER + in_head;
    c->head_sent = 0;
    return c->head + FRAME_HEADER;
}

static void begin_stream(struct client *c, struct hello hello, const struct output *output) {
    for (int i = 0; i < STREAMS; i++) c->position[i] = output->rings[i].total - ring_replay(&output->rings[i]);
    hello.total = c->replay_until = output->rings[MAIN].total;
    hello.replay = ring_replay(&output->rings[MAIN]);
    c->version = hello.version;
    c->ending_queued = c->exit_queued = false;
    c->terminal_changes = 0;
    put_hello(begin_frame(c, HELLO, HELLO_PAYLOAD, HELLO_PAYLOAD), &hello);
}

void client_open(struct client *c, int fd, struct hello hello, const struct output *output, int64_t now) {
    memset(c, 0, sizeof *c);
    c->fd = fd;
    c->opened_at = c->progress_at = now;
    begin_stream(c, hello, output);
}

void client_begin_again(struct client *c, struct hello hello) {
    c->greeting = hello;
    c->exit_queued = false;
}

void client_close(struct client *c) {
    client_end_frame(c);
    upload_abandon(&c->upload);
    close(c->fd);
    c->fd = -1;
}

/* ---- Sending ---------------------------------------------------------------------------------------- */

/* The terminal's state follows the output that came before it. */
static bool terminal_is_news(const struct client *c, const struct output *output) {
    return c->version > FIRST_VERSION && !output->complete &&
           c->terminal_changes != output->terminal_changes && c->position[MAIN] >= output->terminal_at &&
           c->position[MAIN] >= c->replay_until;
}

bool client_has_something_to_send(struct client *c, const struct output *output) {
    if (c->deaf) return false;
    if (c->head_sent < c->head_size || c->frame_left > 0) return true;
    if (c->greeting.version != 0) {
        begin_stream(c, c->greeting, output);
        c->greeting.version = 0;
        return true;
    }
    if (c->stored_size > 0) {
        memcpy(begin_frame(c, FILE_STORED, (uint32_t)c->stored_size, c->stored_size), c->stored, c->stored_size);
        c->stored_size = 0;
        return true;
    }
    if (output->ending && !c->ending_queued) { /* before the command's final output, which may follow at once */
        begin_frame(c, ENDING, 0, 0);
        c->ending_queued = true;
        return true;
    }
    if (terminal_is_news(c, output)) {
        uint8_t payload[TERMINAL_PAYLOAD_MAX];
        size_t size = put_terminal(payload, &output->terminal);
        memcpy(begin_frame(c, TERMINAL, (uint32_t)size, size), payload, size);
        c->terminal_changes = output->terminal_changes;
        return true;
    }
    for (int turn = 1; turn <= STREAMS; turn++) { /* in turns: neither waits until the other is silent */
        int i = (c->sending + turn) % STREAMS;
        uint64_t behind = output->rings[i].total - c->position[i];
        if (behind == 0) continue;
        c->sending = i;
        c->frame_left = behind < READ_MAX ? (uint32_t)behind : READ_MAX;
        begin_frame(c, FRAME_OF[i], c->frame_left, 0);
        return true;
    }
    if (output->complete && !c->exit_queued) {
        put_number(begin_frame(c, EXIT, EXIT_PAYLOAD, EXIT_PAYLOAD), (uint64_t)output->status, EXIT_PAYLOAD);
        c->exit_queued = true;
        return true;
    }
    return false;
}

void client_send(struct client *c, struct output *output, int64_t now) {
    while (client_has_something_to_send(c, output)) {
        uint64_t *position = &c->position[c->sending];
        size_t head = c->head_size - c->head_sent;
        struct iovec parts[3] = {{c->head + c->head_sent, head}};
        ring_parts(&output->rings[c->sending], *position, c->frame_left, parts + 1);
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
        ssize_t sent = sendmsg(c->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) {
            if (errno == EAGAIN) return;
            c->deaf = true;
            shutdown(c->fd, SHUT_WR);
            return;
        }
        size_t rest = (size_t)sent, of_head = rest < head ? rest : head;
        c->head_sent += of_head;
        *position += rest - of_head;
        c->frame_left -= (uint32_t)(rest - of_head);
        c->progress_at = now;
    }
}

bool client_is_behind(const struct client *c, const struct output *output) {
    if (c->deaf) return false;
    for (int i = 0; i < STREAMS; i++)
        if (output->rings[i].total - c->position[i] > WINDOW) return true;
    return false;
}

/* ---- Receiving -------------------------------------------------------------------------------------- */

void client_end_frame(struct client *c) {
    free(c->payload);
    c->payload = NULL;
    c->header_got = c->payload_size = c->payload_got = c->delivered = 0;
    c->ticket = 0;
}

/* The header is complete: allocates the payload that it announces. */
static bool begin_payload(struct client *c) {
    c->payload_size = get_number(c->header + 1, 4);
    if (!is_valid_header(c->header[0], c->payload_size)) {
        say("a client was dropped: it sent a frame of type %u with %u bytes", c->header[0], c->payload_size);
        return false;
    }
    /* One byte more than the payload: a NUL, so that its last string ends within it. */
    c->payload = malloc(c->payload_size + 1);
    if (c->payload == NULL) {
        say("a client was dropped: no memory for its frame of %u bytes", c->payload_size);
        return false;
    }
    c->payload[c->payload_size] = 0;
    return true;
}

bool client_receive(struct client *c) {
    for (;;) {
        bool in_header = c->header_got < FRAME_HEADER;
        uint8_t *to = in_header ? c->header + c->header_got : c->payload + c->payload_got;
        size_t want = in_header ? FRAME_HEADER - c->header_got : c->payload_size - c->payload_got;
        ssize_t got = recv(c->fd, to, want, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return false;
        if (got <= 0) {
            client_close(c);
            return false;
        }
        if (in_header) {
            c->header_got += (uint32_t)got;
            if (c->header_got < FRAME_HEADER) continue;
            if (!begin_payload(c)) {
                client_close(c);
                return false;
            }
        } else {
            c->payload_got += (uint32_t)got;
        }
        if (c->payload_got == c->payload_size) return true;
    }
}
