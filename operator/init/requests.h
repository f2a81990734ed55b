// SPDX-License-Identifier: Apache-2.0
#ifndef TASKYARD_REQUESTS_H
#define TASKYARD_REQUESTS_H

#include "server.h"

/* Acts on a whole frame that a client sent. Returns false when its payload is not valid. */
bool take_request(struct server *s, struct client *c, int64_t now);

#endif
