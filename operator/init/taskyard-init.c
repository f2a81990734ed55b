// SPDX-License-Identifier: Apache-2.0
/*
 * taskyard-init: the only program of Taskyard that runs in an agent's container.
 *
 *   taskyard-init install DIR            copies itself to DIR/taskyard-init, with taskyard-report beside it
 *   taskyard-init report ...             the same as taskyard-report, see report.c
 *   taskyard-init run --socket PATH ...  is process 1 there: waits for "go" on the socket, starts the
 *                                        command in a terminal or with pipes, carries bytes between it and
 *                                        clients, reaps orphans, exits with the command's status; see server.c
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "install.h"
#include "log.h"
#include "options.h"
#include "report.h"
#include "server.h"

#ifndef TASKYARD_VERSION
#define TASKYARD_VERSION "0.1.0"
#endif

static const char USAGE[] =
    "usage: taskyard-init run --socket PATH [options] -- COMMAND [ARGUMENT...]\n"
    "       taskyard-init install DIRECTORY\n"
    "       taskyard-init report STATE SUMMARY [--link URL] | output NAME=VALUE\n"
    "       taskyard-init --help | --version\n"
    "\n"
    "run waits on a Unix socket for \"go\", then runs COMMAND in a terminal that the socket's clients see and\n"
    "type into, or with pipes that they read and write, and ends with its exit status (125: own error, 126: not\n"
    "executable, 127: not found).\n"
    "install copies this program to DIRECTORY/taskyard-init and links DIRECTORY/taskyard-report to it.\n"
    "report, or this program under the name taskyard-report, tells the sidecar what the agent is doing.\n"
    "\n"
    "  --socket PATH            the socket to create\n"
    "  --tty COLUMNSxROWS       size of the terminal (80x1000)\n"
    "  --pipes                  pipes instead of a terminal\n"
    "  --merge                  with --pipes: standard error goes where standard output goes\n"
    "  --retries NUMBER         with --pipes: run COMMAND again when it fails, at most NUMBER times (0)\n"
    "  --retry-after SECONDS    wait before the first retry; twice as long before each further, at most 300 s (10)\n"
    "  --hangup-after SECONDS   from SIGTERM to SIGHUP (5)\n"
    "  --kill-after SECONDS     from SIGTERM to SIGKILL (10)\n";

/* So that no descriptor of ours becomes 0, 1 or 2. */
static void fill_standard_descriptors(void) {
    int fd;
    do fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) close(fd);
}

int main(int count, char **arguments) {
    fill_standard_descriptors();

    const char *name = count > 0 ? strrchr(arguments[0], '/') : NULL;
    name = name != NULL ? name + 1 : count > 0 ? arguments[0] : "";
    if (strcmp(name, "taskyard-report") == 0) return report(arguments + 1);

    const char *verb = count > 1 ? arguments[1] : "";
    if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0) {
        fputs(USAGE, stdout);
        return 0;
    }
    if (strcmp(verb, "--version") == 0) {
        puts("taskyard-init " TASKYARD_VERSION);
        return 0;
    }
    if (strcmp(verb, "install") == 0) {
        if (count != 3) FAIL("install takes one directory");
        return install(arguments[2]);
    }
    if (strcmp(verb, "report") == 0) return report(arguments + 2);
    if (strcmp(verb, "run") == 0) {
        static struct server server;
        static struct options options;
        parse_options(&options, arguments + 2);
        return server_run(&server, &options);
    }
    fputs(USAGE, stderr);
    return EXIT_OWN_ERROR;
}
