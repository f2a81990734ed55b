// SPDX-License-Identifier: Apache-2.0
/* PATH, with the folder of this program at its end: the agent finds taskyard-report there by its name. */
#ifndef TASKYARD_SEARCH_PATH_H
#define TASKYARD_SEARCH_PATH_H

#include <stdbool.h>

/* Appends the folder to a PATH that is set, so that a program of the image of the same name wins; false when there is no
 * memory for that. Nothing is done when the folder is in PATH, when taskyard-report is not in the folder, and where PATH
 * is not set: each program has a default of its own then, which would not count any more. */
bool extend_search_path(void);

#endif
