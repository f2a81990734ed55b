// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static int64_t parse_seconds(const char *option, const char *text) {
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end != 0 || !(seconds >= 0 && seconds <= 86400))
        FAIL("%s takes seconds from 0 to 86400, not \"%s\"", option, text);
    return (int64_t)(seconds * 1000);
}

static void parse_size(struct options *o, const char *text) {
    unsigned columns, rows;
    char rest;
    bool parsed = sscanf(text, "%5ux%5u%c", &columns, &rows, &rest) == 2;
    if (strspn(text, "0123456789x") != strlen(text)) parsed = false; /* scanf takes signs and blanks too */
    if (!parsed || columns < 1 || columns > 65535 || rows < 1 || rows > 65535)
        FAIL("--tty takes COLUMNSxROWS, each from 1 to 65535, not \"%s\"", text);
    o->columns = (uint16_t)columns;
    o->rows = (uint16_t)rows;
}

/* The value of an option, given as "--name value" or "--name=value"; NULL when the argument is not it. */
static const char *option_value(const char *name, char ***argument) {
    size_t length = strlen(name);
    if (strncmp(**argument, name, length) != 0) return NULL;
    if ((**argument)[length] == '=') return **argument + length + 1;
    if ((**argument)[length] != 0) return NULL;
    if (*++*argument == NULL) FAIL("%s needs a value", name);
    return **argument;
}

static unsigned parse_count(const char *option, const char *text) {
    char *end;
    unsigned long count = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != 0 || count > 1000)
        FAIL("%s takes a number from 0 to 1000, not \"%s\"", option, text);
    return (unsigned)count;
}

void parse_options(struct options *o, char **argument) {
    const char *value;
    bool sized = false;
    o->columns = 80;
    o->rows = 1000;
    o->retry_after = 10000;
    o->hangup_after = 5000;
    o->kill_after = 10000;
    for (; *argument != NULL && strcmp(*argument, "--") != 0; argument++) {
        if ((value = option_value("--socket", &argument)) != NULL) o->socket_path = value;
        else if ((value = option_value("--tty", &argument)) != NULL) sized = (parse_size(o, value), true);
        else if (strcmp(*argument, "--pipes") == 0) o->pipes = true;
        else if (strcmp(*argument, "--merge") == 0) o->merged = true;
        else if ((value = option_value("--retries", &argument)) != NULL)
            o->retries = parse_count("--retries", value);
        else if ((value = option_value("--retry-after", &argument)) != NULL)
            o->retry_after = parse_seconds("--retry-after", value);
        else if ((value = option_value("--hangup-after", &argument)) != NULL)
            o->hangup_after = parse_seconds("--hangup-after", value);
        else if ((value = option_value("--kill-after", &argument)) != NULL)
            o->kill_after = parse_seconds("--kill-after", value);
        else FAIL("unknown argument \"%s\" (the command goes after --)", *argument);
    }
    if (o->socket_path == NULL || *o->socket_path == 0) FAIL("--socket is missing");
    if (o->pipes && sized) FAIL("--pipes and --tty exclude each other");
    if (!o->pipes && (o->merged || o->retries > 0)) FAIL("--merge and --retries need --pipes");
    if (o->pipes) o->columns = o->rows = 0;
    if (o->kill_after < o->hangup_after) FAIL("--kill-after must not be before --hangup-after");
    if (*argument == NULL || argument[1] == NULL || *argument[1] == 0) FAIL("no command is given after --");
    o->command = argument + 1;
}
