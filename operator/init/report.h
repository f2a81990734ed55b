// SPDX-License-Identifier: Apache-2.0
/* taskyard-report: what a program in the agent's container says about its work. */
#ifndef TASKYARD_REPORT_H
#define TASKYARD_REPORT_H

/* Runs with the arguments after the program's name (or after the word "report"), ended by NULL. Returns the exit
 * status: 0 accepted, 1 not accepted or no sidecar there (with a message on standard error), 2 wrong arguments. */
int report(char **arguments);

#endif
