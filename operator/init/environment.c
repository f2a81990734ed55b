// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "search_path.h"

enum {
    PROMPT_VARIABLE_MAX = 120000, /* Linux allows 128 KiB for one NAME=VALUE */
    STRING_PAGES = 32,            /* which are these pages, for an argument too */
};
static const char PROMPT[] = "TASKYARD_TASK_PROMPT", CODER_PROMPT[] = "CODER_TASK_PROMPT";
static const char PROMPT_FILE[] = "TASKYARD_TASK_PROMPT_FILE";

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

static bool is_given(const char *name) {
    const char *value = getenv(name);
    return value != NULL && *value != 0;
}

/* UTF-8 where nobody has chosen a locale. LANG counts least, so whatever the command sets itself overrides it. */
static bool set_locale(void) {
    return is_given("LC_ALL") || is_given("LC_CTYPE") || is_given("LANG") || setenv("LANG", "C.UTF-8", 1) == 0;
}

bool set_environment(const uint8_t *environment, bool terminal) {
    bool done = set_variables(environment) && set_locale() && extend_search_path();
    if (done && (!terminal || setenv("TERM", "xterm-256color", 0) == 0)) return true;
    say("no memory for the environment");
    return false;
}

static bool fits_variable(const uint8_t *prompt, size_t size) {
    return size <= PROMPT_VARIABLE_MAX && memchr(prompt, 0, size) == NULL;
}

void unset_prompt(void) {
    unsetenv(PROMPT);
    unsetenv(CODER_PROMPT);
}

bool set_prompt(const uint8_t *prompt, size_t size) {
    const char *path = getenv(PROMPT_FILE);
    if (is_given(PROMPT_FILE) && !replace_file(path, 0600, prompt, size)) {
        say("cannot write the prompt file %s: %s", path, strerror(errno));
        return false;
    }
    unset_prompt();
    if (!fits_variable(prompt, size)) return true;
    char *text = strndup((const char *)prompt, size);
    bool done = text != NULL && setenv(PROMPT, text, 1) == 0 && setenv(CODER_PROMPT, text, 1) == 0;
    if (!done) say("no memory for the prompt");
    free(text);
    return done;
}

/* Whether the command line names the prompt's file, by its variable or by its path. */
static bool names_prompt_file(char *const *arguments) {
    if (!is_given(PROMPT_FILE)) return false;
    for (; *arguments != NULL; arguments++)
        if (strstr(*arguments, PROMPT_FILE) != NULL || strstr(*arguments, getenv(PROMPT_FILE)) != NULL) return true;
    return false;
}

bool prompt_is_lost(const uint8_t *prompt, size_t size, char *const *arguments, char reason[REASON_MAX]) {
    if (fits_variable(prompt, size) || names_prompt_file(arguments)) return false;
    char trouble[80] = "has a NUL, which no variable can hold";
    if (size > PROMPT_VARIABLE_MAX)
        snprintf(trouble, sizeof trouble, "has %zu bytes, %s holds %d", size, PROMPT, PROMPT_VARIABLE_MAX);
    snprintf(reason, REASON_MAX, "the prompt %s: have the command read $%s", trouble, PROMPT_FILE);
    return true;
}

void explain_excess(char *const *arguments, char reason[REASON_MAX]) {
    const size_t limit = (size_t)sysconf(_SC_PAGESIZE) * STRING_PAGES;
    size_t total = 0;
    for (char *const *at = arguments; *at != NULL; at++) {
        size_t size = strlen(*at) + 1;
        total += size;
        if (size <= limit) continue;
        snprintf(reason, REASON_MAX, " (argument %td has %zu bytes, the kernel takes %zu)", at - arguments, size, limit);
        return;
    }
    for (char **at = environ; *at != NULL; at++) {
        size_t size = strlen(*at) + 1;
        total += size;
        if (size <= limit) continue;
        snprintf(reason, REASON_MAX, " (the variable %.*s has %zu bytes, the kernel takes %zu)",
                 (int)strcspn(*at, "="), *at, size, limit);
        return;
    }
    snprintf(reason, REASON_MAX, " (arguments and environment are too large: %zu bytes)", total);
}
