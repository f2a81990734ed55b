// SPDX-License-Identifier: Apache-2.0
/*
 * The name by which people know the program of a process. It is the kernel's name of the process, except:
 *   - where an interpreter runs a script (node, python, a shell, ...), it is the script's: `node /usr/bin/claude` is
 *     claude, `python3 -m http.server` http.server, `bash -c ...` bash;
 *   - where the script's file has a name that says nothing (index.js, main.py, cli.js), it is that of its folder:
 *     `node .../gemini-cli/dist/index.js` is gemini-cli;
 *   - the kernel cuts names after 15 bytes; the rest comes from the command line.
 */
#ifndef TASKYARD_PROGRAM_NAME_H
#define TASKYARD_PROGRAM_NAME_H

#include <stddef.h>
#include <sys/types.h>

#include "terminal_state.h"

/* `short_name` is the kernel's, `arguments` the command line: `size` bytes, each argument ended by NUL, the last
 * perhaps not. The result is printable UTF-8. */
void program_name(const char *short_name, const char *arguments, size_t size, char name[PROGRAM_NAME_MAX + 1]);

/* The name of a process's program; empty when it is gone. */
void program_name_of(pid_t pid, char name[PROGRAM_NAME_MAX + 1]);

#endif
