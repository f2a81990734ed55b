// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "random.h"

/* A new name beside `path`, on the same file system. */
static bool name_temporary(char temporary[PATH_MAX], const char *path) {
    uint32_t suffix;
    fill_random(&suffix, sizeof suffix);
    if (snprintf(temporary, PATH_MAX, "%s.%08x", path, suffix) < PATH_MAX) return true;
    errno = ENAMETOOLONG;
    return false;
}

static bool move_into_place(const char *temporary, const char *path) {
    if (rename(temporary, path) == 0) return true;
    int error = errno;
    unlink(temporary);
    errno = error;
    return false;
}

static bool write_all(int fd, const uint8_t *content, size_t size) {
    for (size_t at = 0; at < size;) {
        ssize_t n = write(fd, content + at, size - at);
        if (n > 0) at += (size_t)n;
        else if (n == 0 || errno != EINTR) return false;
    }
    return true;
}

/* The temporary file is new: no link is followed, and nobody else has it open. */
bool replace_file(const char *path, mode_t mode, const uint8_t *content, size_t size) {
    char temporary[PATH_MAX];
    if (!name_temporary(temporary, path)) return false;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0700);
    if (fd < 0) return false;
    bool done = write_all(fd, content, size) && fchmod(fd, mode) == 0;
    done = close(fd) == 0 && done; /* before the rename: a program that is open for writing cannot be executed */
    if (done) return move_into_place(temporary, path);
    int error = errno;
    unlink(temporary);
    errno = error;
    return false;
}

bool replace_link(const char *path, const char *target) {
    char temporary[PATH_MAX];
    return name_temporary(temporary, path) && symlink(target, temporary) == 0 && move_into_place(temporary, path);
}
