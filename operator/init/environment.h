// SPDX-License-Identifier: Apache-2.0
/* What a go frame hands to the command: variables and the prompt. */
#ifndef TASKYARD_ENVIRONMENT_H
#define TASKYARD_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The end of the environment in a go frame (the byte after its closing empty string), or NULL when it is not
 * one: each entry is NAME=VALUE with a NUL after it. */
const uint8_t *environment_end(const uint8_t *at, const uint8_t *end);

/* Sets these variables, over those of the container; false: said in the log why it was not possible. */
bool set_environment(const uint8_t *environment, bool terminal);

/* Hands the prompt over as a file and, when it is short enough for one, as variables; false as above. */
bool set_prompt(const uint8_t *prompt, size_t size);

#endif
