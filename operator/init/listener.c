// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

enum { REST_AFTER_FAILURE = 100 }; /* milliseconds */

/* Removes a socket that an earlier run of the container left behind. */
static void remove_old(const char *path) {
    struct stat info;
    if (lstat(path, &info) != 0) return;
    if (!S_ISSOCK(info.st_mode)) FAIL("%s exists and is not a socket", path);
    if (unlink(path) != 0 && errno != ENOENT) FAIL("cannot remove the old socket %s: %s", path, strerror(errno));
}

void listener_open(struct listener *l, const char *path, int backlog) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        FAIL("the socket's path is too long (%zu bytes, at most %zu): %s", strlen(path), sizeof address.sun_path - 1,
             path);
    strcpy(address.sun_path, path);
    remove_old(path);
    l->path = path;
    l->again_at = 0;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0) FAIL("cannot open a socket: %s", strerror(errno));
    /* The sidecar has another user id, so everybody may connect; the mode is right from the first moment. */
    mode_t containers = umask(0111);
    int bound = bind(l->fd, (struct sockaddr *)&address, sizeof address);
    umask(containers);
    if (bound != 0) FAIL("cannot bind the socket %s: %s", path, strerror(errno));
    struct stat info;
    if (listen(l->fd, backlog) != 0 || lstat(path, &info) != 0)
        FAIL("cannot listen on the socket %s: %s", path, strerror(errno));
    l->device = info.st_dev;
    l->inode = info.st_ino;
}

int listener_accept(struct listener *l, int64_t now) {
    int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    /* Out of descriptors or memory: poll() would report the same client again at once. */
    if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) l->again_at = now + REST_AFTER_FAILURE;
    return fd;
}

void listener_close(struct listener *l) {
    close(l->fd);
    struct stat info;
    if (lstat(l->path, &info) == 0 && info.st_dev == l->device && info.st_ino == l->inode) unlink(l->path);
}
