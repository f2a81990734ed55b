// SPDX-License-Identifier: Apache-2.0
/* Files that users send to the agent, written as the agent's user beneath a folder of the run directory. */
#ifndef TASKYARD_UPLOAD_H
#define TASKYARD_UPLOAD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UPLOAD_MAX = 16 << 20, UPLOAD_ANSWER_MAX = 512 };

/* One file on its way. All zero: none. */
struct upload {
    bool open;               /* begun and not ended */
    int error;               /* not 0: what went wrong first; what still arrives is discarded */
    int uploads, folder, fd; /* the folder of all uploads, the file's own folder in it, the file */
    size_t size;
    char folder_name[17], name[NAME_MAX + 1];
};

/* Is this the name of a file, and not a path to somewhere else? */
bool upload_is_valid_name(const uint8_t *name, size_t size);

/* Makes DIRECTORY/uploads/<random>/NAME, a new file; upload_end reports errors. */
void upload_begin(struct upload *u, const char *directory, const uint8_t *name, size_t size);
void upload_write(struct upload *u, const uint8_t *bytes, size_t size);

/* Puts the result into `answer`, at most UPLOAD_ANSWER_MAX bytes: a byte 0 and the file's path, or a byte 1 and what
 * went wrong. Returns its size. */
size_t upload_end(struct upload *u, const char *directory, uint8_t *answer);

/* Removes a file that was not ended. */
void upload_abandon(struct upload *u);

#endif
