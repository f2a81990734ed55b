// SPDX-License-Identifier: Apache-2.0
/* What taskyard-init ends with where it is not the command's own status. */
#ifndef TASKYARD_EXIT_STATUS_H
#define TASKYARD_EXIT_STATUS_H

enum { EXIT_OWN_ERROR = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, EXIT_TERMINATED = 143 };

#endif
