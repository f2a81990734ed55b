// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "terminal_watch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "program_name.h"

/* Milliseconds. */
enum {
    BUSY = 100,          /* after traffic: looks are this far apart */
    BUSY_PAUSE = 20,
    COSTLY_PAUSE = 50,
    PAUSE = 250,
    CONFIRMED = 1000,    /* after traffic: rest is believed */
    SILENCE = 60 * 1000, /* after traffic: what cannot be told is at rest */
};

void watch_start(struct watch *w, int64_t now) { *w = (struct watch){.traffic_at = now, .looked_at = now}; }

void watch_from_now(struct watch *w, int64_t now) {
    w->looked_at = 0;
    w->traffic_at = now;
}

void watch_output(struct watch *w, int64_t now) { w->traffic_at = now; }

static void publish(struct output *output, const struct terminal_state *state) {
    if (output->terminal_changes > 0 && is_same_state(state, &output->terminal)) return;
    output->terminal = *state;
    output->terminal_at = output->rings[MAIN].total;
    output->terminal_changes++;
}

void watch_input(struct watch *w, struct output *output, int64_t now) {
    w->traffic_at = now;
    if (w->looked_at == 0 || output->terminal.reader != READER_YES) return;
    w->looked_at = now; /* the kernel hands input over a little later */
    struct terminal_state state = output->terminal;
    state.reader = READER_NO;
    publish(output, &state);
}

static int64_t pause_between_looks(const struct watch *w, const struct terminal_state *state) {
    int64_t silent = w->looked_at - w->traffic_at;
    if (silent < BUSY) return w->is_costly ? COSTLY_PAUSE : BUSY_PAUSE;
    if (silent < CONFIRMED || state->foreground == FOREGROUND_OTHER) return PAUSE;
    if (state->foreground == FOREGROUND_OWN && state->reader == READER_YES) return NEVER;
    bool only_screen_tells = !state->canonical || state->reader == READER_UNKNOWN;
    return only_screen_tells && silent >= SILENCE ? NEVER : PAUSE;
}

int64_t watch_next_look(const struct watch *w, const struct output *output) {
    if (w->looked_at == 0) return w->traffic_at;
    int64_t pause = pause_between_looks(w, &output->terminal);
    return pause == NEVER ? NEVER : w->looked_at + pause;
}

/* A command that takes no input itself is a wrapper (an init that gives its child the foreground, "bash -ic"): the agent
 * is the group that takes input first, for as long as it is there or until the command does. */
static bool is_the_agents(struct watch *w, const struct command *c, pid_t group, bool takes_input) {
    if (w->agent != 0 && kill(-w->agent, 0) != 0 && errno == ESRCH) w->agent = 0;
    if (takes_input && (group == c->pid || w->agent == 0)) w->agent = group;
    return group == c->pid || w->agent == 0 || group == w->agent;
}

void watch_look(struct watch *w, const struct command *c, struct output *output, int64_t now) {
    struct terminal_state state;
    struct termios modes;
    memset(&state, 0, sizeof state);
    state.foreground = FOREGROUND_UNKNOWN;
    state.reader = READER_UNKNOWN;
    pid_t group = tcgetpgrp(c->out[MAIN]);
    if (tcgetattr(c->out[MAIN], &modes) == 0) {
        state.canonical = (modes.c_lflag & ICANON) != 0;
        state.echo = (modes.c_lflag & ECHO) != 0;
    }
    if (group > 0) { /* 0: it is in another PID namespace, or there is none yet */
        look_for_reader(&w->reading, group, &c->terminal);
        state.reader = w->reading.reader;
        bool takes_input = state.reader == READER_YES || !state.canonical;
        state.foreground = is_the_agents(w, c, group, takes_input) ? FOREGROUND_OWN : FOREGROUND_OTHER;
        /* The name of who reads, or read last, since a shell that waits for it may lead the group. */
        pid_t named = w->reading.process != 0 ? w->reading.process : w->reading.member;
        if (named != 0) program_name_of(named, state.name);
    }
    publish(output, &state);
    w->looked_at = now;
    w->is_costly = clock_ms() > now;
}
