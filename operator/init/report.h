// SPDX-License-Identifier: Apache-2.0
/* taskyard-report: what a program in the agent's container says of its work. */
#ifndef TASKYARD_REPORT_H
#define TASKYARD_REPORT_H

/* Runs with the arguments after the program's name (or after the word "report"), ended by NULL. Returns the exit
 * status: 0 taken, 1 not taken or nobody there (said on standard error), 2 wrong arguments. */
int report(char **arguments);

#endif
