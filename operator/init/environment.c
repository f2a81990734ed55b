// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "environment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "log.h"

enum { PROMPT_VARIABLE_MAX = 120000 }; /* Linux allows 128 KiB for one NAME=VALUE */

const uint8_t *environment_end(const uint8_t *at, const uint8_t *end) {
    while (at < end) {
        const uint8_t *stop = memchr(at, 0, (size_t)(end - at));
        if (stop == NULL) return NULL;
        if (stop == at) return at + 1;
        if (*at == '=' || memchr(at, '=', (size_t)(stop - at)) == NULL) return NULL;
        at = stop + 1;
    }
    return NULL;
}

static bool set_variables(const uint8_t *at) {
    for (; *at != 0; at += strlen((const char *)at) + 1) {
        char *name = strdup((const char *)at);
        if (name == NULL) return false;
        char *value = strchr(name, '=');
        *value++ = 0;
        int failed = setenv(name, value, 1);
        free(name);
        if (failed) return false;
    }
    return true;
}

bool set_environment(const uint8_t *environment, bool terminal) {
    if (set_variables(environment) && (!terminal || setenv("TERM", "xterm-256color", 0) == 0)) return true;
    say("no memory for the environment");
    return false;
}

bool set_prompt(const uint8_t *prompt, size_t size) {
    const char *path = getenv("TASKYARD_TASK_PROMPT_FILE");
    if (path != NULL && *path != 0 && !replace_file(path, 0600, prompt, size)) {
        say("cannot write the prompt file %s: %s", path, strerror(errno));
        return false;
    }
    unsetenv("TASKYARD_TASK_PROMPT");
    unsetenv("CODER_TASK_PROMPT");
    if (size > PROMPT_VARIABLE_MAX || memchr(prompt, 0, size) != NULL) return true;
    char *text = strndup((const char *)prompt, size);
    bool done = text != NULL && setenv("TASKYARD_TASK_PROMPT", text, 1) == 0 &&
                setenv("CODER_TASK_PROMPT", text, 1) == 0;
    if (!done) say("no memory for the prompt");
    free(text);
    return done;
}
