// SPDX-License-Identifier: Apache-2.0
#ifndef TASKYARD_RANDOM_H
#define TASKYARD_RANDOM_H

#include <stddef.h>

/* Fills a buffer of at most 256 bytes with random bytes from the kernel; ends the program when there are none. */
void fill_random(void *to, size_t size);

#endif
