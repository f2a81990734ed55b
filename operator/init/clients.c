// SPDX-License-Identifier: Apache-2.0
#include "clients.h"

#include <sys/socket.h>

#include "clock.h"
#include "log.h"

/* Milliseconds. */
enum {
    STALL_LIMIT = 5000,
    GREETING_TIME = 250, /* for a new client to say which version it speaks */
};

#define FOR_EACH_CLIENT(c, all) \
    for (__auto_type c = &(all)->places[0]; c < &(all)->places[MAX_CLIENTS]; c++) \
        if (c->fd >= 0)

void clients_init(struct clients *all) {
    for (int i = 0; i < MAX_CLIENTS; i++) all->places[i].fd = -1;
    all->last_ticket = 0;
}

struct client *clients_free_place(struct clients *all) {
    for (int i = 0; i < MAX_CLIENTS; i++)
        if (all->places[i].fd < 0) return &all->places[i];
    return NULL;
}

bool clients_hold_up(const struct clients *all, const struct output *output) {
    FOR_EACH_CLIENT (c, all)
        if (client_is_behind(c, output)) return true;
    return false;
}

void clients_drop_stalled(struct clients *all, const struct output *output, int64_t now) {
    FOR_EACH_CLIENT (c, all) {
        if (!client_is_behind(c, output)) c->held_since = 0;
        else if (c->held_since == 0) c->held_since = now;
        bool holds_up = c->held_since != 0 && now - c->held_since >= STALL_LIMIT;
        bool left = c->deaf && c->ticket != 0; /* gone, and the command does not take its last input */
        if (!(holds_up || left) || now - c->progress_at < STALL_LIMIT) continue;
        say("a client was dropped: %s for %d s", holds_up ? "it read nothing" : "its input was not taken",
            STALL_LIMIT / 1000);
        client_close(c);
    }
}

int64_t clients_next_deadline(const struct clients *all) {
    int64_t next = NEVER;
    FOR_EACH_CLIENT (c, all) {
        int64_t since = c->held_since > c->progress_at ? c->held_since : c->progress_at;
        if (c->held_since != 0 || (c->deaf && c->ticket != 0)) next = earlier(next, since + STALL_LIMIT);
    }
    return next;
}

void clients_queue_input(struct clients *all, struct client *c, int64_t now) {
    c->ticket = ++all->last_ticket;
    c->progress_at = now;
}

struct client *clients_next_with_input(struct clients *all) {
    struct client *next = NULL;
    FOR_EACH_CLIENT (c, all)
        if (c->ticket != 0 && (next == NULL || c->ticket < next->ticket)) next = c;
    return next;
}

void clients_discard_input(struct clients *all) {
    FOR_EACH_CLIENT (c, all)
        if (c->ticket != 0) client_end_frame(c);
}

bool clients_want_terminal(const struct clients *all) {
    FOR_EACH_CLIENT (c, all)
        if (!c->deaf && (c->version > FIRST_VERSION || c->greeting.version > FIRST_VERSION)) return true;
    return false;
}

int64_t clients_greeted_by(const struct clients *all) {
    int64_t last = 0;
    FOR_EACH_CLIENT (c, all)
        if (!c->deaf && !c->has_spoken && c->opened_at + GREETING_TIME > last) last = c->opened_at + GREETING_TIME;
    return last;
}

bool clients_have_everything(const struct clients *all, int64_t now) {
    FOR_EACH_CLIENT (c, all)
        if (!c->deaf && !(c->exit_queued && c->head_sent == c->head_size)) return false;
    return now >= clients_greeted_by(all);
}

void clients_dismiss(struct clients *all) {
    uint8_t unread[4096];
    FOR_EACH_CLIENT (c, all) {
        /* Unread bytes would turn the end of the connection into an error for the client. */
        for (int i = 0; i < 64 && recv(c->fd, unread, sizeof unread, MSG_DONTWAIT) > 0; i++) {}
        client_close(c);
    }
}
