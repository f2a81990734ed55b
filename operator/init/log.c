// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void say(const char *format, ...) {
    char line[1024] = "taskyard-init: ";
    size_t start = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + start, sizeof line - start - 1, format, arguments);
    va_end(arguments);
    strcat(line, "\n");
    /* One write, so that lines of several processes do not mix. Nothing can be done when it fails. */
    if (write(STDERR_FILENO, line, strlen(line)) < 0) return;
}
