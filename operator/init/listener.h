// SPDX-License-Identifier: Apache-2.0
/* The socket on which clients call. */
#ifndef TASKYARD_LISTENER_H
#define TASKYARD_LISTENER_H

#include <stdint.h>
#include <sys/types.h>

struct listener {
    const char *path;
    int fd;
    dev_t device;
    ino_t inode;
    int64_t again_at; /* no accept() before, after it failed; 0: none */
};

/* Makes the socket, in place of an old one; ends the program when that cannot be. `backlog`: as of listen(). */
void listener_open(struct listener *l, const char *path, int backlog);

/* The next caller's connection; -1: nobody calls, or none can be taken before `again_at`. */
int listener_accept(struct listener *l, int64_t now);

/* Removes the socket too, unless another run has put its own there. */
void listener_close(struct listener *l);

#endif
