// SPDX-License-Identifier: Apache-2.0
/* The newest bytes of a stream; each reader has a position of its own in them. */
#ifndef TASKYARD_RING_H
#define TASKYARD_RING_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

enum {
    WINDOW = 256 << 10,            /* replay for a new reader, and how far one may fall behind */
    READ_MAX = 64 << 10,           /* added at most between two checks of how far the readers are */
    RING_SIZE = WINDOW + READ_MAX, /* so that nothing is overwritten that a reader still has to get */
};

struct ring {
    uint64_t total; /* bytes since the start; positions count the same way */
    uint8_t bytes[RING_SIZE];
};

/* How many of the last bytes a new reader gets. */
uint32_t ring_replay(const struct ring *r);

/* One read() of at most `room` bytes; returns its result, with errno set. */
ssize_t ring_read(struct ring *r, int fd, size_t room);

void ring_append(struct ring *r, const void *bytes, size_t size);

/* Where the `size` bytes from a position on are: in two parts, of which the second may be empty. */
void ring_parts(struct ring *r, uint64_t position, size_t size, struct iovec parts[2]);

#endif
