// SPDX-License-Identifier: Apache-2.0
/*
 * taskyard-report: tells the sidecar, over HTTP on loopback, what the agent is doing, for agents that are shell
 * scripts or do not speak MCP. The address is that of TASKYARD_MCP_URL, whose host has to be an IPv4 address.
 */
#define _GNU_SOURCE
#include "report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    PORT = 8485,
    PATIENCE = 10,            /* seconds for each of connecting, sending, receiving */
    ARGUMENT_MAX = 8 << 10,   /* the sidecar accepts no body of more than 16 KiB */
    BODY_MAX = 128 << 10,     /* two long arguments, each byte of which becomes at most six */
    ANSWER_MAX = 4 << 10,
};

static const char USAGE[] =
    "usage: taskyard-report STATE SUMMARY [--link URL]\n"
    "       taskyard-report output NAME=VALUE\n"
    "\n"
    "Tells the people and programs that follow this task what you are doing. STATE is working, idle, complete or\n"
    "failed; complete and failed stand until the next message. SUMMARY is one line, of which 160 bytes are kept. The\n"
    "second form sets a value of the task's outputs: at most 16, of at most 1024 bytes each.\n"
    "Exit status: 0 accepted, 1 not accepted (the reason is on standard error), 2 wrong arguments.\n";

struct text {
    char bytes[BODY_MAX];
    size_t size;
};

static void append(struct text *t, const char *bytes, size_t size) {
    if (size > sizeof t->bytes - t->size) size = sizeof t->bytes - t->size; /* never: the arguments are bounded */
    memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
}

static void append_string(struct text *t, const char *string) { append(t, string, strlen(string)); }

static void begin_object(struct text *t) {
    t->size = 0;
    append_string(t, "{");
}

/* Appends `"name":"value"`, the value as a JSON string. The sidecar replaces bytes that are not UTF-8. */
static void append_member(struct text *t, const char *name, const char *value, size_t size) {
    append_string(t, t->size > 1 ? ",\"" : "\"");
    append_string(t, name);
    append_string(t, "\":\"");
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)value[i];
        char escaped[8];
        int length = 1;
        escaped[0] = value[i];
        if (byte == '"' || byte == '\\') length = snprintf(escaped, sizeof escaped, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f) length = snprintf(escaped, sizeof escaped, "\\u%04x", byte);
        append(t, escaped, (size_t)length);
    }
    append_string(t, "\"");
}

/* The sidecar's address from http://A.B.C.D:PORT/…; the default one when the variable is not set. */
static bool find_address(struct sockaddr_in *address) {
    const char *url = getenv("TASKYARD_MCP_URL");
    char host[INET_ADDRSTRLEN] = "127.0.0.1";
    unsigned port = PORT;
    if (url != NULL && *url != 0 && sscanf(url, "http://%15[0-9.]:%5u", host, &port) != 2) return false;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return port > 0 && port <= UINT16_MAX && inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

static bool send_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* Reads to the end of the connection, or as much as fits; the rest is not needed. */
static size_t receive(int fd, char *answer, size_t room) {
    size_t size = 0;
    while (size < room) {
        ssize_t got = recv(fd, answer + size, room - size, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        size += (size_t)got;
    }
    return size;
}

static int fail(const char *what, int error) {
    fprintf(stderr, "taskyard-report: %s%s%s\n", what, error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
    return 1;
}

/* Shows the response's body: one line that says why the report was not accepted. */
static int refuse(const char *answer, unsigned status) {
    const char *body = strstr(answer, "\r\n\r\n");
    char line[256] = "";
    if (body != NULL) snprintf(line, sizeof line, "%s", body + 4);
    line[strcspn(line, "\r\n")] = 0;
    for (char *at = line; *at != 0; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f) *at = ' ';
    fprintf(stderr, "taskyard-report: %s (%u)\n", *line != 0 ? line : "not accepted", status);
    return 1;
}

static int post(const char *path, const struct text *body) {
    struct sockaddr_in address;
    if (!find_address(&address)) return fail("TASKYARD_MCP_URL is not http://ADDRESS:PORT/…", 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail("cannot open a socket", errno);
    struct timeval patience = {.tv_sec = PATIENCE};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        close(fd);
        return fail("cannot connect to the sidecar", error);
    }
    char head[256], answer[ANSWER_MAX + 1];
    int head_size = snprintf(head, sizeof head,
                             "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                             "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                             path, body->size);
    bool sent = send_all(fd, head, (size_t)head_size) && send_all(fd, body->bytes, body->size);
    answer[receive(fd, answer, ANSWER_MAX)] = 0; /* even if sending failed: a refusal may have arrived early */
    close(fd);
    unsigned status;
    if (sscanf(answer, "HTTP/1.%*1u %3u", &status) != 1)
        return fail(sent ? "no response from the sidecar" : "the report could not be sent", 0);
    return status == 200 ? 0 : refuse(answer, status);
}

static int wrong_usage(void) {
    fputs(USAGE, stderr);
    return 2;
}

static int report_output(const char *assignment) {
    static struct text body;
    const char *equals = assignment != NULL ? strchr(assignment, '=') : NULL;
    if (equals == NULL || equals == assignment) return wrong_usage();
    if (strlen(assignment) > ARGUMENT_MAX) return fail("the value is too long", 0);
    begin_object(&body);
    append_member(&body, "name", assignment, (size_t)(equals - assignment));
    append_member(&body, "value", equals + 1, strlen(equals + 1));
    append_string(&body, "}");
    return post("/output", &body);
}

static int report_state(const char *state, const char *summary, const char *link) {
    static struct text body;
    size_t kept = strlen(summary);
    if (strlen(state) > ARGUMENT_MAX || strlen(link) > ARGUMENT_MAX) return fail("an argument is too long", 0);
    if (kept > 1024) kept = 1024; /* 160 bytes of it are shown */
    begin_object(&body);
    append_member(&body, "state", state, strlen(state));
    append_member(&body, "summary", summary, kept);
    append_member(&body, "link", link, strlen(link));
    append_string(&body, "}");
    return post("/report", &body);
}

int report(char **arguments) {
    const char *words[2] = {NULL, NULL}, *link = "";
    int count = 0;
    signal(SIGPIPE, SIG_IGN);
    for (char **at = arguments; *at != NULL; at++) {
        if (strcmp(*at, "--help") == 0 || strcmp(*at, "-h") == 0) {
            fputs(USAGE, stdout);
            return 0;
        }
        if (strcmp(*at, "--link") == 0) {
            if (at[1] == NULL) return wrong_usage();
            link = *++at;
        } else if (strncmp(*at, "--link=", 7) == 0) {
            link = *at + 7;
        } else if (count < 2) {
            words[count++] = *at;
        } else {
            return wrong_usage();
        }
    }
    if (count != 2) return wrong_usage();
    if (strcmp(words[0], "output") == 0) return *link != 0 ? wrong_usage() : report_output(words[1]);
    return report_state(words[0], words[1], link);
}
