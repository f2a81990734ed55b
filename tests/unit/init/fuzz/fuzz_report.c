// SPDX-License-Identifier: Apache-2.0
/*
 * libFuzzer drives taskyard-report: its arguments, the address in TASKYARD_MCP_URL and the sidecar's answer. The
 * source is compiled in; the connection is a fake. An input is the arguments, each ended by NUL, then 0xff, the
 * address, 0xff, and the answer, which arrives in pieces.
 *
 * Beyond what the sanitizers find, it is a fault when a request is sent whose length differs from its header or whose
 * body is not a JSON object of strings.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static FILE *nowhere;
static struct {
    char *url;
    const uint8_t *answer;
    size_t answer_left;
    char request[128 << 10];
    size_t request_size;
} world;

static int sham_socket(void) { return dup(fileno(nowhere)); }

static ssize_t sham_send(const char *bytes, size_t size) {
    if (size > sizeof world.request - world.request_size) return -1;
    memcpy(world.request + world.request_size, bytes, size);
    world.request_size += size;
    return (ssize_t)size;
}

static ssize_t sham_recv(char *to, size_t room) {
    size_t size = world.answer_left < room ? world.answer_left : room;
    if (size > 1) size = size / 2 + 1;
    memcpy(to, world.answer, size);
    world.answer += size;
    world.answer_left -= size;
    return (ssize_t)size;
}

#define socket(domain, type, protocol) sham_socket()
#define setsockopt(fd, level, name, value, size) ((void)(value), 0)
#define connect(fd, address, size) ((void)(address), 0)
#define send(fd, bytes, size, flags) ((void)(fd), sham_send(bytes, size))
#define recv(fd, to, room, flags) ((void)(fd), sham_recv(to, room))
#define getenv(name) world.url
#define signal(number, action) ((void)0)
#undef stderr
#undef stdout
#define stderr nowhere
#define stdout nowhere

#include "report.c"

#undef stderr
extern FILE *stderr;
#define FAULT(what) (fprintf(stderr, "fuzz_report: %s\n", what), abort())

/* Checks a JSON string, in which everything that needs an escape has one; returns the byte after it. */
static const char *past_string(const char *at, const char *end) {
    if (at == end || *at++ != '"') FAULT("a string is missing");
    for (; at < end && *at != '"'; at++) {
        if ((unsigned char)*at < 0x20) FAULT("a control character in a string");
        if (*at != '\\') continue;
        if (++at == end || strchr("\"\\u", *at) == NULL) FAULT("an unknown escape");
        if (*at == 'u' && (end - at < 5 || strspn(at + 1, "0123456789abcdef") < 4)) FAULT("half an escape");
    }
    if (at == end) FAULT("an unterminated string");
    return at + 1;
}

static void check_request(void) {
    const char *end = world.request + world.request_size;
    const char *body = memmem(world.request, world.request_size, "\r\n\r\n", 4);
    const char *length = memmem(world.request, world.request_size, "Content-Length: ", 16);
    if (body == NULL || length == NULL) FAULT("a request without a head");
    body += 4;
    if (strtoul(length + 16, NULL, 10) != (unsigned long)(end - body)) FAULT("a length that differs from the body's");
    if (*body != '{' || end[-1] != '}') FAULT("the body is not an object");
    for (const char *at = body; *at != '}'; at = past_string(at, end)) {
        at = past_string(at + 1, end);
        if (*at++ != ':') FAULT("a name without a value");
    }
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    (void)count, (void)arguments;
    nowhere = fopen("/dev/null", "w");
    return nowhere == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1), *arguments[8] = {NULL};
    memcpy(text, data, size);
    text[size] = 0;
    char *words_end = memchr(text, 0xff, size), *end = text + size;
    if (words_end == NULL) words_end = end;
    *words_end = 0;
    char *url = words_end < end ? words_end + 1 : end;
    char *url_end = memchr(url, 0xff, (size_t)(end - url));
    if (url_end == NULL) url_end = end;
    *url_end = 0;
    char *at = text;
    for (int i = 0; i < 7 && at < words_end; i++, at += strlen(at) + 1) arguments[i] = at;

    world.url = url_end == end && *url == 0 ? NULL : url;
    world.answer = (const uint8_t *)(url_end < end ? url_end + 1 : end);
    world.answer_left = (size_t)(end - (const char *)world.answer);
    world.request_size = 0;
    int status = report(arguments);
    if (status < 0 || status > 2) FAULT("an unknown exit status");
    if (world.request_size > 0) check_request();
    free(text);
    return 0;
}
