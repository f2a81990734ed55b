// SPDX-License-Identifier: Apache-2.0
/* Files and links that take their place at once: a reader sees the old one or the new one. */
#ifndef TASKYARD_FILE_H
#define TASKYARD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Both return false with errno, and no temporary file left behind. */
bool replace_file(const char *path, mode_t mode, const uint8_t *content, size_t size);
bool replace_link(const char *path, const char *target);

#endif
