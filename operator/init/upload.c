// SPDX-License-Identifier: Apache-2.0
/*
 * Other processes may write in the run directory too (even those of other users, when the agent is root), so every
 * step goes from one directory handle to the next without following a link, into a folder that only we can write to.
 */
#define _GNU_SOURCE
#include "upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static const char UPLOADS[] = "uploads";
enum { DIRECTORY_FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

bool upload_is_valid_name(const uint8_t *name, size_t size) {
    if (size == 0 || size > NAME_MAX || memchr(name, '/', size) != NULL || memchr(name, 0, size) != NULL) return false;
    return !(name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.')));
}

/* Opens a folder of ours in another, and creates it if it does not exist. */
static int open_folder(int parent, const char *name) {
    if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST) return -1;
    int fd = openat(parent, name, DIRECTORY_FLAGS);
    if (fd < 0) return -1;
    struct stat info;
    if (fstat(fd, &info) == 0 && info.st_uid == geteuid() && (info.st_mode & 022) == 0) return fd;
    close(fd);
    errno = EPERM; /* somebody else created it */
    return -1;
}

static bool open_file(struct upload *u, const char *directory) {
    uint32_t number;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) return false;
    snprintf(u->folder_name, sizeof u->folder_name, "%08x", number);
    int base = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (base < 0) return false;
    u->uploads = open_folder(base, UPLOADS);
    int error = errno;
    close(base);
    errno = error;
    if (u->uploads < 0) return false;
    u->folder = open_folder(u->uploads, u->folder_name);
    if (u->folder < 0) return false;
    u->fd = openat(u->folder, u->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return u->fd >= 0;
}

static void close_one(int *fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void close_all(struct upload *u) {
    close_one(&u->fd);
    close_one(&u->folder);
    close_one(&u->uploads);
    u->open = false;
}

/* The folder is new and ours, so the entry of this name in it is the file. */
static void remove_file(struct upload *u) {
    if (u->folder < 0) return;
    unlinkat(u->folder, u->name, 0);
    unlinkat(u->uploads, u->folder_name, AT_REMOVEDIR);
}

void upload_begin(struct upload *u, const char *directory, const uint8_t *name, size_t size) {
    *u = (struct upload){.open = true, .uploads = -1, .folder = -1, .fd = -1};
    memcpy(u->name, name, size);
    if (!open_file(u, directory)) u->error = errno != 0 ? errno : EIO;
}

void upload_write(struct upload *u, const uint8_t *bytes, size_t size) {
    if (u->error == 0 && size > UPLOAD_MAX - u->size) u->error = EFBIG;
    while (u->error == 0 && size > 0) {
        ssize_t wrote = write(u->fd, bytes, size);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) {
            u->error = wrote < 0 ? errno : EIO;
            return;
        }
        bytes += wrote;
        size -= (size_t)wrote;
        u->size += (size_t)wrote;
    }
}

size_t upload_end(struct upload *u, const char *directory, uint8_t *answer) {
    char *text = (char *)answer + 1;
    const size_t room = UPLOAD_ANSWER_MAX - 1;
    if (u->error == 0) {
        if (close(u->fd) != 0) u->error = errno; /* a full disk may be reported only now */
        u->fd = -1;
    }
    int length = 0;
    if (u->error == 0)
        length = snprintf(text, room, "%s/%s/%s/%s", directory, UPLOADS, u->folder_name, u->name);
    if (length >= (int)room) u->error = ENAMETOOLONG;
    if (u->error != 0) {
        remove_file(u);
        length = snprintf(text, room, "%s", strerror(u->error));
    }
    answer[0] = u->error != 0;
    close_all(u);
    return 1 + (size_t)length;
}

void upload_abandon(struct upload *u) {
    if (!u->open) return;
    remove_file(u);
    close_all(u);
}
