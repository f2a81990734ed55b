// SPDX-License-Identifier: Apache-2.0
#include "terminal_state.h"

#include <string.h>

bool is_same_state(const struct terminal_state *one, const struct terminal_state *other) {
    return one->foreground == other->foreground && one->canonical == other->canonical && one->echo == other->echo &&
           one->reader == other->reader && strcmp(one->name, other->name) == 0;
}

size_t put_terminal(uint8_t *payload, const struct terminal_state *state) {
    size_t size = strlen(state->name);
    payload[0] = (uint8_t)state->foreground;
    payload[1] = state->canonical;
    payload[2] = state->echo;
    payload[3] = (uint8_t)state->reader;
    memcpy(payload + 4, state->name, size);
    return 4 + size;
}
