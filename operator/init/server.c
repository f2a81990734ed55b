// SPDX-License-Identifier: Apache-2.0
/*
 * One thread around one poll(). Memory is bounded: all clients read from one ring of the terminal's output (with
 * pipes, one for each of the two), each at a position of its own, and the terminal is not read while one of them is
 * too far behind; of what a client sends, one frame at a time is held, and nothing more is read from it until the
 * terminal has taken that frame.
 */
#define _GNU_SOURCE
#include "server.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "phases.h"
#include "random.h"
#include "requests.h"

enum { REST = 100 }; /* milliseconds between checks of what poll() cannot wait for */

/* ---- Events ----------------------------------------------------------------------------------------- */

struct hello hello_for(const struct server *s, uint8_t version) {
    struct hello hello = {version, visible_state(s), .columns = s->command.columns, .rows = s->command.rows};
    memcpy(hello.instance, s->instance, sizeof hello.instance);
    return hello;
}

static void accept_clients(struct server *s, int64_t now) {
    for (int turn = 0; turn < MAX_CLIENTS; turn++) {
        int fd = listener_accept(&s->listener, now);
        if (fd < 0) return;
        struct client *c = clients_free_place(&s->clients);
        if (c == NULL) {
            say("a client was turned away: %d are connected", MAX_CLIENTS);
            close(fd);
            continue;
        }
        client_open(c, fd, hello_for(s, FIRST_VERSION), &s->output, now);
    }
}

static void receive_from(struct server *s, struct client *c, int64_t now) {
    if (!client_receive(c) || take_request(s, c, now)) return;
    say("a client was dropped: its frame of type %u is malformed", c->header[0]);
    client_close(c);
}

static void read_output(struct server *s, int stream, int64_t now) {
    for (size_t budget = READ_MAX; budget > 0;) {
        ssize_t got = ring_read(&s->output.rings[stream], s->command.out[stream], budget);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0 && s->command.pipes) { /* no process can write to it any more */
            command_close_output(&s->command, stream);
            return;
        }
        if (got <= 0) { /* EIO: no process has the terminal open at the moment */
            s->output_ended = true;
            s->rest_until = now + REST;
            return;
        }
        s->quiet_since = now;
        watch_output(&s->watch, now);
        budget -= (size_t)got;
    }
}

/* Writes input frames in the order of their arrival, each whole before the next. */
static void write_input(struct server *s, int64_t now) {
    struct client *c;
    for (size_t budget = READ_MAX; budget > 0 && (c = clients_next_with_input(&s->clients)) != NULL;) {
        if (c->header[0] == END_INPUT) {
            close_input(s);
            return;
        }
        size_t left = c->payload_size - c->delivered, size = left < budget ? left : budget;
        ssize_t wrote = write(s->command.in, c->payload + c->delivered, size);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0 && errno == EAGAIN) return;
        if (wrote < 0 && s->command.pipes) { /* no process will ever read it */
            close_input(s);
            return;
        }
        if (wrote < 0) { /* no process can read it at the moment */
            client_end_frame(c);
            continue;
        }
        c->progress_at = now;
        watch_input(&s->watch, &s->output, now);
        c->delivered += (uint32_t)wrote;
        budget -= (size_t)wrote;
        if (c->delivered == c->payload_size) client_end_frame(c);
    }
}

static void take_signals(struct server *s, int64_t now) {
    struct signalfd_siginfo info;
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            reap(s, now);
        } else if (!s->stopping) {
            s->stopping = true;
            s->output.ending = true;
            s->stopping_since = now;
        }
    }
}

/* ---- The loop --------------------------------------------------------------------------------------- */

/* Is there a terminal with a command, and a client that is told about it? */
static bool is_watched(const struct server *s) {
    return s->phase == RUNNING && s->command.out[MAIN] >= 0 && !s->command.pipes && clients_want_terminal(&s->clients);
}

/* The earliest moment at which something has to be done even without an event. */
static int64_t next_deadline(struct server *s, int64_t now) {
    int64_t next = earlier(next_step_at(s), next_phase_at(s, now));
    next = earlier(next, clients_next_deadline(&s->clients));
    if (is_watched(s)) next = earlier(next, watch_next_look(&s->watch, &s->output));
    if (s->listener.again_at != 0) next = earlier(next, s->listener.again_at);
    if (s->rest_until != 0) next = earlier(next, s->rest_until);
    /* Linux does not always wake poll() when a terminal that was full accepts input again. */
    if (s->command.in >= 0 && clients_next_with_input(&s->clients) != NULL) next = earlier(next, now + REST);
    return next;
}

static int poll_timeout(int64_t deadline, int64_t now) {
    if (deadline == NEVER) return -1;
    if (deadline <= now) return 0;
    return deadline - now > INT_MAX ? INT_MAX : (int)(deadline - now);
}

enum { SIGNALS, LISTENER, IN, OUT, FIRST_CLIENT = OUT + STREAMS, PLACES = FIRST_CLIENT + MAX_CLIENTS };

/* Chooses what the loop waits for. A descriptor from which nothing is wanted is left out (-1), since poll()
 * would report the end of its other side over and over. */
static void choose_events(struct server *s, struct pollfd *places) {
    for (int i = 0; i < PLACES; i++) places[i] = (struct pollfd){.fd = -1};
    places[SIGNALS] = (struct pollfd){.fd = s->signals, .events = POLLIN};
    if (s->listener.again_at == 0) places[LISTENER] = (struct pollfd){.fd = s->listener.fd, .events = POLLIN};
    if (s->rest_until == 0) {
        for (int i = 0; i < STREAMS && !clients_hold_up(&s->clients, &s->output); i++)
            places[OUT + i] = (struct pollfd){.fd = s->command.out[i], .events = POLLIN};
        if (clients_next_with_input(&s->clients) != NULL)
            places[IN] = (struct pollfd){.fd = s->command.in, .events = POLLOUT};
    }
    for (int i = 0; i < MAX_CLIENTS; i++) {
        struct client *c = &s->clients.places[i];
        if (c->fd < 0) continue;
        short events = 0;
        if (c->ticket == 0) events |= POLLIN;
        if (client_has_something_to_send(c, &s->output)) events |= POLLOUT;
        if (events == 0 && c->deaf) continue;
        places[FIRST_CLIENT + i] = (struct pollfd){.fd = c->fd, .events = events};
    }
}

static void handle_events(struct server *s, const struct pollfd *places, int64_t now) {
    const short gone = POLLHUP | POLLERR;
    for (int i = 0; i < MAX_CLIENTS; i++) {
        struct client *c = &s->clients.places[i];
        short events = places[FIRST_CLIENT + i].revents;
        if (events == 0) continue;
        if (events & gone) {
            c->deaf = true;
            c->progress_at = now;
        }
        if (events & POLLOUT) client_send(c, &s->output, now);
        if (c->ticket == 0 && events & (POLLIN | gone)) receive_from(s, c, now);
    }
    if (s->command.in >= 0 && places[IN].revents & POLLOUT) write_input(s, now);
    else if (places[IN].revents & gone && s->command.pipes) close_input(s);
    else if (places[IN].revents & gone) s->rest_until = now + REST;
    for (int i = 0; i < STREAMS; i++)
        if (s->command.out[i] >= 0 && places[OUT + i].revents & (POLLIN | gone)) read_output(s, i, now);
    if (places[SIGNALS].revents) take_signals(s, now);
    if (places[LISTENER].revents) accept_clients(s, now); /* last: places that became free above can be used */
}

int server_loop(struct server *s) {
    for (;;) {
        int64_t now = clock_ms();
        if (s->stopping && s->phase == WAITING) return EXIT_TERMINATED;
        step_down(s, now);
        if (s->listener.again_at != 0 && now >= s->listener.again_at) s->listener.again_at = 0;
        if (s->rest_until != 0 && now >= s->rest_until) s->rest_until = 0;
        clients_drop_stalled(&s->clients, &s->output, now);
        if (pass_phases(s, now)) return s->status;
        if (is_watched(s) && now >= watch_next_look(&s->watch, &s->output))
            watch_look(&s->watch, &s->command, &s->output, now);

        struct pollfd places[PLACES];
        choose_events(s, places);
        int ready = poll(places, PLACES, poll_timeout(next_deadline(s, now), now));
        if (ready < 0 && errno != EINTR) FAIL("cannot wait for events: %s", strerror(errno));
        if (ready > 0) handle_events(s, places, clock_ms());
    }
}

/* ---- The server as a whole -------------------------------------------------------------------------- */

/* Signals that ask to end: all that images name as their STOPSIGNAL, except the terminal's SIGWINCH. */
static void catch_signals(struct server *s) {
    const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPWR, SIGRTMIN + 3};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        sigaddset(&set, numbers[i]);
        signal(numbers[i], SIG_DFL); /* an inherited "ignore" would swallow it, or the children's status */
    }
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &set, NULL);
    s->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->signals < 0) FAIL("cannot take signals: %s", strerror(errno));
}

void server_init(struct server *s, const struct options *options) {
    s->options = options;
    s->signals = s->listener.fd = -1;
    s->listener.path = options->socket_path;
    clients_init(&s->clients);
    s->command = (struct command){
        .arguments = options->command,
        .pipes = options->pipes,
        .merged = options->merged,
        .columns = options->columns,
        .rows = options->rows,
        .in = -1,
        .out = {-1, -1},
    };
}

void server_close(struct server *s) {
    clients_dismiss(&s->clients);
    close_command(s);
    listener_close(&s->listener);
    close(s->signals);
}

int server_run(struct server *s, const struct options *options) {
    server_init(s, options);
    fill_random(s->instance, sizeof s->instance);
    if (getpid() != 1 && prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        say("orphans will not be reaped: %s", strerror(errno));
    catch_signals(s);
    listener_open(&s->listener, options->socket_path, 4 * MAX_CLIENTS);
    int status = server_loop(s);
    server_close(s);
    return status;
}
