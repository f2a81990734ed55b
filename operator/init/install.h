// SPDX-License-Identifier: Apache-2.0
#ifndef TASKYARD_INSTALL_H
#define TASKYARD_INSTALL_H

/* Copies this program to DIRECTORY/taskyard-init, with the link DIRECTORY/taskyard-report to it. Returns the exit
 * status 0, or ends the program with an error message. */
int install(const char *directory);

#endif
