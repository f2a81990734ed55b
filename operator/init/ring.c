// SPDX-License-Identifier: Apache-2.0
#include "ring.h"

#include <unistd.h>

uint32_t ring_replay(const struct ring *r) { return r->total < WINDOW ? (uint32_t)r->total : WINDOW; }

ssize_t ring_read(struct ring *r, int fd, size_t room) {
    size_t at = r->total % RING_SIZE, to_end = RING_SIZE - at;
    ssize_t got = read(fd, r->bytes + at, to_end < room ? to_end : room);
    if (got > 0) r->total += (uint64_t)got;
    return got;
}

void ring_append(struct ring *r, const void *bytes, size_t size) {
    const uint8_t *from = bytes;
    for (size_t i = 0; i < size; i++) r->bytes[r->total++ % RING_SIZE] = from[i];
}

void ring_parts(struct ring *r, uint64_t position, size_t size, struct iovec parts[2]) {
    size_t at = position % RING_SIZE, to_end = RING_SIZE - at, first = size < to_end ? size : to_end;
    parts[0] = (struct iovec){r->bytes + at, first};
    parts[1] = (struct iovec){r->bytes, size - first};
}
