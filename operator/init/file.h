// SPDX-License-Identifier: Apache-2.0
/* Files and links that are replaced atomically: a reader sees the old one or the new one. */
#ifndef TASKYARD_FILE_H
#define TASKYARD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* On failure both return false with errno set, and leave no temporary file behind. */
bool replace_file(const char *path, mode_t mode, const uint8_t *content, size_t size);
bool replace_link(const char *path, const char *target);

#endif
