// SPDX-License-Identifier: Apache-2.0
/* Moments, in milliseconds of the monotonic clock; 0 stands for none. */
#ifndef TASKYARD_CLOCK_H
#define TASKYARD_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NEVER INT64_MAX

static inline int64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int64_t earlier(int64_t one, int64_t other) { return one < other ? one : other; }

#endif
