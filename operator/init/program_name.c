// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "program_name.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "small_file.h"

enum { SHORT_NAME_MAX = 15, ARGUMENTS_MAX = 4096 };

/* `inline_code`: letters of options whose argument is the program itself, so that there is no script.
 * `with_value`: options whose value is an argument of its own. */
struct interpreter {
    const char *name, *inline_code, *with_value;
};

#define SHELL(name) {name, "c", " -o -O +o +O --rcfile --init-file "}
#define JAVASCRIPT(name) {name, "ep", " -r --require --import --loader --experimental-loader -C --conditions --env-file "}
static const struct interpreter INTERPRETERS[] = {
    SHELL("sh"), SHELL("bash"), SHELL("dash"), SHELL("ash"), SHELL("ksh"), SHELL("zsh"),
    {"python", "c", " -W -X "}, {"pypy", "c", " -W -X "},
    JAVASCRIPT("node"), JAVASCRIPT("nodejs"), JAVASCRIPT("bun"), JAVASCRIPT("deno"),
    {"ruby", "e", " -I -r "}, {"perl", "eE", " -I "},
};

static bool is_in(const char *word, const char *const *words) {
    for (; *words != NULL; words++)
        if (strcmp(word, *words) == 0) return true;
    return false;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* With a version behind its name too: python3.11. */
static const struct interpreter *interpreter_named(const char *name) {
    for (size_t i = 0; i < sizeof INTERPRETERS / sizeof *INTERPRETERS; i++) {
        size_t size = strlen(INTERPRETERS[i].name);
        if (strncmp(name, INTERPRETERS[i].name, size) == 0 && name[size + strspn(name + size, "0123456789.-")] == 0)
            return &INTERPRETERS[i];
    }
    return NULL;
}

/* The argument after this one; NULL: it is the last. `end` is behind the NUL of the last one. */
static const char *next_argument(const char *argument, const char *end) {
    argument += strlen(argument) + 1;
    return argument < end ? argument : NULL;
}

static bool has_value(const struct interpreter *i, const char *option) {
    const char *at = strstr(i->with_value, option);
    size_t size = strlen(option);
    return at != NULL && at > i->with_value && at[-1] == ' ' && at[size] == ' ';
}

/* The script that an interpreter runs, or a Python module; NULL: none. */
static const char *script_of(const struct interpreter *i, const char *argument, const char *end) {
    while ((argument = next_argument(argument, end)) != NULL) {
        if (strcmp(argument, "run") == 0) continue; /* bun run, deno run */
        if (strcmp(argument, "--") == 0) return next_argument(argument, end);
        if (*argument != '-' && *argument != '+') return argument;
        if (strcmp(argument, "-m") == 0 && *i->inline_code == 'c') return next_argument(argument, end);
        bool is_long = argument[1] == '-';
        if (!is_long && strpbrk(argument + 1, i->inline_code) != NULL && !has_value(i, argument)) return NULL;
        if (strcmp(argument, "--eval") == 0 || strcmp(argument, "--print") == 0) return NULL;
        if (has_value(i, argument) && (argument = next_argument(argument, end)) == NULL) return NULL;
    }
    return NULL;
}

/* The first of the path's names, from its end, that says what the program is. Cuts the path at its end. */
static const char *telling_name(char *path) {
    static const char *const FILES[] = {"index", "main", "cli", "__main__", NULL};
    static const char *const FOLDERS[] = {"dist", "bin", "build", "lib", "out", "src", NULL};
    char stem[16];
    const char *file = base_name(path);
    snprintf(stem, sizeof stem, "%.*s", (int)strcspn(file, "."), file);
    if (!is_in(stem, FILES)) return file;
    for (char *slash; (slash = strrchr(path, '/')) != NULL && slash > path;) {
        *slash = 0;
        const char *folder = base_name(path);
        if (strspn(folder, ".") != strlen(folder) && !is_in(folder, FOLDERS)) return folder;
    }
    return file;
}

/* How many bytes of one character of UTF-8 are here; 0: it is none, or a control character. */
static size_t character_size(const char *at) {
    const uint8_t *byte = (const uint8_t *)at;
    if (byte[0] < 0x80) return byte[0] >= 0x20 && byte[0] != 0x7f;
    size_t size = byte[0] >= 0xf0 && byte[0] < 0xf5 ? 4 : byte[0] >= 0xe0 ? 3 : byte[0] >= 0xc2 ? 2 : 0;
    if (byte[0] >= 0xf5) return 0;
    for (size_t i = 1; i < size; i++)
        if ((byte[i] & 0xc0) != 0x80) return 0;
    if (size == 2 && byte[0] == 0xc2 && byte[1] < 0xa0) return 0;
    if (size == 3 && ((byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xed && byte[1] >= 0xa0))) return 0;
    if (size == 4 && ((byte[0] == 0xf0 && byte[1] < 0x90) || (byte[0] == 0xf4 && byte[1] >= 0x90))) return 0;
    return size;
}

static void copy_printable(char name[PROGRAM_NAME_MAX + 1], const char *from) {
    size_t used = 0;
    while (*from != 0) {
        size_t size = character_size(from);
        if (used + (size > 0 ? size : 1) > PROGRAM_NAME_MAX) break;
        if (size == 0) {
            name[used++] = '?';
            from++;
        }
        for (; size > 0; size--) name[used++] = *from++;
    }
    name[used] = 0;
}

void program_name(const char *short_name, const char *arguments, size_t size, char name[PROGRAM_NAME_MAX + 1]) {
    char line[ARGUMENTS_MAX + 1];
    if (size > ARGUMENTS_MAX) size = ARGUMENTS_MAX;
    memcpy(line, arguments, size);
    line[size] = 0;
    const char *program = base_name(line), *end = line + size;
    if (*program == '-') program++; /* a login shell */
    const struct interpreter *interpreter = interpreter_named(program);
    const char *script = interpreter != NULL ? script_of(interpreter, line, end) : NULL;
    const char *found = short_name;
    if (script != NULL && *script != 0) found = telling_name(line + (script - line));
    else if (interpreter != NULL) found = program;
    else if (strlen(short_name) == SHORT_NAME_MAX && strncmp(program, short_name, SHORT_NAME_MAX) == 0) found = program;
    copy_printable(name, *found != 0 ? found : short_name);
}

void program_name_of(pid_t pid, char name[PROGRAM_NAME_MAX + 1]) {
    char path[64], short_name[64], arguments[ARGUMENTS_MAX];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    ssize_t size = read_small_file(path, short_name, sizeof short_name - 1);
    while (size > 0 && short_name[size - 1] == '\n') size--;
    short_name[size > 0 ? size : 0] = 0;
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    size = read_small_file(path, arguments, sizeof arguments);
    program_name(short_name, arguments, size > 0 ? (size_t)size : 0, name);
}
