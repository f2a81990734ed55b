// SPDX-License-Identifier: Apache-2.0
#include "frames.h"

#include <limits.h>
#include <string.h>

void put_number(uint8_t *to, uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; i--, value >>= 8) to[i] = (uint8_t)value;
}

uint32_t get_number(const uint8_t *from, int bytes) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | from[i];
    return value;
}

void put_header(uint8_t *to, enum frame_type type, uint32_t payload_size) {
    to[0] = (uint8_t)type;
    put_number(to + 1, payload_size, 4);
}

void put_hello(uint8_t *payload, const struct hello *hello) {
    payload[0] = hello->version;
    payload[1] = (uint8_t)hello->state;
    memcpy(payload + 2, hello->instance, sizeof hello->instance);
    put_number(payload + 18, hello->columns, 2);
    put_number(payload + 20, hello->rows, 2);
    put_number(payload + 22, hello->total, 8);
    put_number(payload + 30, hello->replay, 4);
}

bool is_valid_header(uint8_t type, uint32_t payload_size) {
    switch (type) {
    case HELLO: return payload_size == GREETING_PAYLOAD;
    case GO: return payload_size > 0 && payload_size <= FRAME_IN_MAX;
    case INPUT: return payload_size <= FRAME_IN_MAX;
    case RESIZE: return payload_size == 4;
    case END_INPUT:
    case INTERRUPT: return payload_size == 0;
    case FILE_BEGIN: return payload_size > 0 && payload_size <= NAME_MAX;
    case FILE_DATA: return payload_size > 0 && payload_size <= FRAME_IN_MAX;
    case FILE_END: return payload_size == 0;
    default: return false;
    }
}
