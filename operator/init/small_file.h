// SPDX-License-Identifier: Apache-2.0
/* Files of /proc, which are small or of which the beginning is enough. */
#ifndef TASKYARD_SMALL_FILE_H
#define TASKYARD_SMALL_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Reads at most `size` bytes from the file's start; returns how many, or -1 with errno set. */
ssize_t read_small_file(const char *path, void *to, size_t size);

#endif
