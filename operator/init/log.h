// SPDX-License-Identifier: Apache-2.0
/* The container's log: standard error. */
#ifndef TASKYARD_LOG_H
#define TASKYARD_LOG_H

#include <stdlib.h>

#include "exit_status.h"

/* Writes one line that begins with the program's name. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

#define FAIL(...) (say(__VA_ARGS__), exit(EXIT_OWN_ERROR))

#endif
