// SPDX-License-Identifier: Apache-2.0
#ifndef TASKYARD_RANDOM_H
#define TASKYARD_RANDOM_H

#include <stddef.h>

/* Fills it with the kernel's random bytes, at most 256; ends the program when there are none. */
void fill_random(void *to, size_t size);

#endif
