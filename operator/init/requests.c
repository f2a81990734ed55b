// SPDX-License-Identifier: Apache-2.0
#include "requests.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "environment.h"
#include "phases.h"

/* Only a client's first frame may be a hello. One that speaks a later version than this program is answered with this
 * program's. */
static bool take_greeting(struct server *s, struct client *c, int64_t now) {
    uint8_t version = c->payload[0];
    if (c->has_spoken || version < FIRST_VERSION) return false;
    client_begin_again(c, hello_for(s, version < PROTOCOL_VERSION ? version : PROTOCOL_VERSION));
    watch_from_now(&s->watch, now);
    return true;
}

static bool take_go(struct server *s, const struct client *c, int64_t now) {
    if (s->phase != WAITING) return true;
    const uint8_t *end = c->payload + c->payload_size;
    const uint8_t *prompt = environment_end(c->payload, end);
    if (prompt == NULL) return false;
    start_command(s, c->payload, prompt, (size_t)(end - prompt), now);
    return true;
}

static bool take_resize(struct server *s, const struct client *c) {
    uint16_t columns = (uint16_t)get_number(c->payload, 2), rows = (uint16_t)get_number(c->payload + 2, 2);
    if (columns == 0 || rows == 0) return false;
    command_resize(&s->command, columns, rows);
    return true;
}

/* One file at a time; its result is sent before the next one begins. */
static bool take_file(const struct server *s, struct client *c) {
    bool begins = c->header[0] == FILE_BEGIN;
    if (begins == c->upload.open || c->stored_size > 0) return false;
    if (begins && !upload_is_valid_name(c->payload, c->payload_size)) return false;
    char directory[sizeof((struct sockaddr_un *)0)->sun_path];
    snprintf(directory, sizeof directory, "%s", s->options->socket_path);
    char *slash = strrchr(directory, '/');
    if (slash != NULL) *slash = 0;
    const char *where = slash == NULL ? "." : slash == directory ? "/" : directory;
    if (begins) upload_begin(&c->upload, where, c->payload, c->payload_size);
    else if (c->header[0] == FILE_DATA) upload_write(&c->upload, c->payload, c->payload_size);
    else c->stored_size = upload_end(&c->upload, where, c->stored);
    return true;
}

static bool is_input(const struct server *s, const struct client *c) {
    return (c->header[0] == INPUT && c->payload_size > 0) || (c->header[0] == END_INPUT && s->command.pipes);
}

static bool take_frame(struct server *s, struct client *c, int64_t now) {
    if (is_input(s, c) && s->phase == RUNNING && s->command.in >= 0) {
        clients_queue_input(&s->clients, c, now);
        return true;
    }
    bool valid = true;
    if (c->header[0] == HELLO) valid = take_greeting(s, c, now);
    else if (c->header[0] == GO) valid = take_go(s, c, now);
    else if (c->header[0] == RESIZE) valid = take_resize(s, c);
    else if (c->header[0] >= FILE_BEGIN) valid = take_file(s, c);
    else if (c->header[0] == INTERRUPT && s->phase == RUNNING) command_signal(&s->command, SIGINT);
    client_end_frame(c); /* nobody takes input before the command has started or after it has ended */
    return valid;
}

bool take_request(struct server *s, struct client *c, int64_t now) {
    bool valid = take_frame(s, c, now);
    c->has_spoken = true;
    return valid;
}
