// SPDX-License-Identifier: Apache-2.0
#ifndef TASKYARD_REQUESTS_H
#define TASKYARD_REQUESTS_H

#include "server.h"

/* Acts on a complete frame from a client. Returns false when its payload is invalid. */
bool take_request(struct server *s, struct client *c, int64_t now);

#endif
