// SPDX-License-Identifier: Apache-2.0
#include "small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

ssize_t read_small_file(const char *path, void *to, size_t size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    size_t done = 0;
    ssize_t got = 0;
    while (done < size && (got = read(fd, (uint8_t *)to + done, size - done)) > 0) done += (size_t)got;
    int error = errno;
    close(fd);
    errno = error;
    return got < 0 ? -1 : (ssize_t)done;
}
