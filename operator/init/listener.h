// SPDX-License-Identifier: Apache-2.0
/* The socket to which clients connect. */
#ifndef TASKYARD_LISTENER_H
#define TASKYARD_LISTENER_H

#include <stdint.h>
#include <sys/types.h>

struct listener {
    const char *path;
    int fd;
    dev_t device;
    ino_t inode;
    int64_t again_at; /* after accept() has failed: not before this moment; 0: at once */
};

/* Makes the socket, in place of an old one; ends the program when that fails. `backlog`: as for listen(). */
void listener_open(struct listener *l, const char *path, int backlog);

/* The next client's connection; -1: no client is waiting, or none can be accepted before `again_at`. */
int listener_accept(struct listener *l, int64_t now);

/* Removes the socket too, unless another run has put its own there. */
void listener_close(struct listener *l);

#endif
