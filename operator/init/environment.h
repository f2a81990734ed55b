// SPDX-License-Identifier: Apache-2.0
/* What a go frame hands to the command: variables and the prompt. */
#ifndef TASKYARD_ENVIRONMENT_H
#define TASKYARD_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The end of the environment in a go frame (the byte after its closing empty string), or NULL when it is malformed:
 * each entry is NAME=VALUE with a NUL after it. */
const uint8_t *environment_end(const uint8_t *at, const uint8_t *end);

/* Sets these variables, which override those of the container, a locale where there is none, and appends to PATH the
 * folder with taskyard-report; false when that failed, with the reason in the log. */
bool set_environment(const uint8_t *environment, bool terminal);

/* Passes the prompt as a file and, when it is short enough, in variables; false as above. */
bool set_prompt(const uint8_t *prompt, size_t size);

/* Takes the variables away again. */
void unset_prompt(void);

enum { REASON_MAX = 200 };

/* Whether a command that has its prompt from the environment alone would not get it: it fits no variable, and the
 * command line does not name its file. Then `reason` says so. */
bool prompt_is_lost(const uint8_t *prompt, size_t size, char *const *arguments, char reason[REASON_MAX]);

/* Why the kernel finds arguments and environment too large. */
void explain_excess(char *const *arguments, char reason[REASON_MAX]);

#endif
