// SPDX-License-Identifier: Apache-2.0
/* The frames on the socket, as docs/contracts.md describes them. */
#ifndef TASKYARD_FRAMES_H
#define TASKYARD_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PROTOCOL_VERSION = 2,
    FIRST_VERSION = 1,      /* spoken with each client until it says that it speaks another */
    GREETING_PAYLOAD = 1,   /* of a client's hello */
    FRAME_HEADER = 5,
    HELLO_PAYLOAD = 34,
    EXIT_PAYLOAD = 4,
    FRAME_IN_MAX = 1 << 20, /* largest payload accepted from a client */
};

enum frame_type {
    HELLO = 1, GO = 2, OUTPUT = 3, INPUT = 4, RESIZE = 5, EXIT = 6,
    ERRORS = 7,     /* standard error, where it has a pipe of its own */
    END_INPUT = 8,
    INTERRUPT = 9,
    FILE_BEGIN = 10, FILE_DATA = 11, FILE_END = 12,
    FILE_STORED = 13,
    ENDING = 14,    /* the command is about to be asked to end */
    TERMINAL = 15,  /* what the kernel knows about the terminal; since version 2 */
};

enum hello_state { IS_WAITING = 0, IS_RUNNING = 1, HAS_EXITED = 2 };

struct hello {
    uint8_t version;
    enum hello_state state;
    uint8_t instance[16];
    uint16_t columns, rows; /* 0 with pipes */
    uint64_t total;         /* bytes of output so far */
    uint32_t replay;        /* how many of them follow */
};

/* Big endian. */
void put_number(uint8_t *to, uint64_t value, int bytes);
uint32_t get_number(const uint8_t *from, int bytes);

void put_header(uint8_t *to, enum frame_type type, uint32_t payload_size);
void put_hello(uint8_t *payload, const struct hello *hello);

/* Is this a header that a client may send? */
bool is_valid_header(uint8_t type, uint32_t payload_size);

#endif
