// SPDX-License-Identifier: Apache-2.0
/* Exit statuses of taskyard-init that are not the command's own. */
#ifndef TASKYARD_EXIT_STATUS_H
#define TASKYARD_EXIT_STATUS_H

enum { EXIT_OWN_ERROR = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, EXIT_TERMINATED = 143 };

#endif
