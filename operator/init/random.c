// SPDX-License-Identifier: Apache-2.0
#include "random.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "log.h"

void fill_random(void *to, size_t size) {
    if (getrandom(to, size, 0) != (ssize_t)size) FAIL("cannot get random bytes: %s", strerror(errno));
}
