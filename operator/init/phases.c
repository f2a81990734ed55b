// SPDX-License-Identifier: Apache-2.0
#include "phases.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "environment.h"
#include "exit_status.h"
#include "log.h"

/* Milliseconds. */
enum {
    DRAIN_QUIET = 100,   /* after the command's end the terminal counts as empty once it is silent for this long, */
    DRAIN_LIMIT = 2000,  /* or after this time at the latest */
    FLUSH_LIMIT = 2000,  /* for the clients to take the remaining output and the exit frame */
    RETRY_MAX = 300000, /* between two attempts */
};

static bool will_retry(const struct server *s) {
    return s->status != 0 && s->attempt < s->options->retries && !s->stopping;
}

enum hello_state visible_state(const struct server *s) {
    if (s->phase == WAITING) return IS_WAITING;
    return s->phase == FLUSHING || (s->phase == DRAINING && !will_retry(s)) ? HAS_EXITED : IS_RUNNING;
}

void close_input(struct server *s) {
    command_close_input(&s->command);
    clients_discard_input(&s->clients);
}

void close_command(struct server *s) {
    close_input(s);
    command_close(&s->command);
}

/* ---- From the start to the end ---------------------------------------------------------------------- */

static void begin_draining(struct server *s, int status, int64_t now) {
    s->phase = DRAINING;
    s->status = status;
    s->output_ended = s->command.out[MAIN] < 0;
    s->rest_until = 0;
    s->quiet_since = now;
    s->drain_by = now + DRAIN_LIMIT;
    clients_discard_input(&s->clients);
}

static void begin_flushing(struct server *s, int64_t now) {
    s->phase = FLUSHING;
    s->flush_by = now + FLUSH_LIMIT;
    s->output.complete = true;
    s->output.status = s->status;
    close_command(s);
}

static void begin_running(struct server *s, int64_t now) {
    s->phase = RUNNING;
    watch_start(&s->watch, now);
}

/* Adds a line to the command's output, so that its readers see where one attempt ends and the next begins. */
__attribute__((format(printf, 2, 3))) static void remark(struct server *s, const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length >= (int)sizeof line) length = sizeof line - 1;
    if (length > 0) ring_append(&s->output.rings[MAIN], line, (size_t)length);
}

/* Hands over the environment and the prompt. Only a command that runs to its end has its streams merged: its prompt is
 * nowhere but in its environment. */
static bool prepare_command(struct server *s, const uint8_t *environment, const uint8_t *prompt, size_t size) {
    char reason[REASON_MAX];
    if (!set_environment(environment, !s->command.pipes) || !set_prompt(prompt, size)) return false;
    if (!s->command.merged || !prompt_is_lost(prompt, size, s->command.arguments, reason)) return true;
    say("%s, and name that variable in its arguments", reason);
    remark(s, "[taskyard: %s]\n", reason);
    return false;
}

void start_command(struct server *s, const uint8_t *environment, const uint8_t *prompt, size_t size, int64_t now) {
    bool prepared = prepare_command(s, environment, prompt, size);
    if (!prepared) s->attempt = s->options->retries; /* another attempt would have nothing of it */
    if (prepared && command_launch(&s->command)) begin_running(s, now);
    else begin_draining(s, EXIT_OWN_ERROR, now);
}

/* After a failed attempt: wait, longer each time. */
static void begin_resting(struct server *s, int64_t now) {
    int64_t wait = s->options->retry_after;
    for (unsigned i = 0; i < s->attempt && wait < RETRY_MAX; i++) wait *= 2;
    if (wait > RETRY_MAX) wait = RETRY_MAX;
    s->attempt++;
    s->phase = RESTING;
    s->retry_at = now + wait;
    command_kill_session(&s->command); /* jobs that it left would get in the way of the next attempt */
    close_command(s);
    remark(s, "\n[taskyard: ended with status %d; retry %u of %u in %.3g s]\n", s->status, s->attempt,
           s->options->retries, (double)wait / 1000);
}

static void try_again(struct server *s, int64_t now) {
    if (command_launch(&s->command)) begin_running(s, now);
    else begin_draining(s, EXIT_OWN_ERROR, now);
}

void reap(struct server *s, int64_t now) {
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
        if (pid != s->command.pid || s->phase != RUNNING) continue;
        if (s->stopping) command_kill_session(&s->command); /* jobs it left; they would end with process 1 anyway */
        begin_draining(s, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), now);
    }
}

/* A command that never started gets the quiet time too: what clients send right behind go is read, since a connection
 * that is closed with something unread loses what they have not read either. */
static bool has_ended(const struct server *s) {
    if (s->command.pid <= 0) return false;
    return s->command.pipes ? s->command.out[MAIN] < 0 && s->command.out[ERROR] < 0 : s->output_ended;
}

static bool is_drained(const struct server *s, int64_t now) {
    return has_ended(s) || now >= s->drain_by || now - s->quiet_since >= DRAIN_QUIET;
}

bool pass_phases(struct server *s, int64_t now) {
    if (s->phase == DRAINING && clients_hold_up(&s->clients, &s->output))
        s->quiet_since = now; /* it is not read, so it may not be quiet */
    if (s->phase == DRAINING && is_drained(s, now)) {
        if (will_retry(s)) begin_resting(s, now);
        else begin_flushing(s, now);
    }
    if (s->phase == RESTING && s->stopping) begin_flushing(s, now);
    if (s->phase == RESTING && now >= s->retry_at) try_again(s, now);
    return s->phase == FLUSHING && (clients_have_everything(&s->clients, now) || now >= s->flush_by);
}

int64_t next_phase_at(const struct server *s, int64_t now) {
    switch (s->phase) {
    case DRAINING: return earlier(s->drain_by, s->quiet_since + DRAIN_QUIET);
    case RESTING: return s->retry_at;
    case FLUSHING: {
        int64_t greeted_by = clients_greeted_by(&s->clients);
        return greeted_by > now ? earlier(greeted_by, s->flush_by) : s->flush_by;
    }
    default: return NEVER;
    }
}

/* ---- The shutdown ----------------------------------------------------------------------------------- */

static void ask_to_end(struct server *s) { command_signal(&s->command, SIGTERM); }

static void hang_up(struct server *s) { command_signal(&s->command, SIGHUP); }

/* Output pipes are read to their end: only closing a terminal acts as a signal. */
static void close_down(struct server *s) {
    if (s->command.pipes) close_input(s);
    else close_command(s);
}

static void kill_all(struct server *s) {
    if (getpid() == 1) kill(-1, SIGKILL); /* every process in this container */
    command_signal(&s->command, SIGKILL);
    command_kill_session(&s->command);
}

/* The terminal is closed half-way between hang-up and kill, so that what a program writes at the hang-up is still
 * read. */
int64_t next_step_at(const struct server *s) {
    const struct options *o = s->options;
    const int64_t after[] = {0, o->hangup_after, (o->hangup_after + o->kill_after) / 2, o->kill_after};
    if (!s->stopping || s->phase != RUNNING || s->steps_taken == 4) return NEVER;
    return s->stopping_since + after[s->steps_taken];
}

void step_down(struct server *s, int64_t now) {
    static void (*const actions[])(struct server *) = {ask_to_end, hang_up, close_down, kill_all};
    while (now >= next_step_at(s)) actions[s->steps_taken++](s);
}
