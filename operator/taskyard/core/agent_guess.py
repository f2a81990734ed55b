"""Guesses from an agent's command which program it is (the types of `agenttype`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from taskyard.core import shellscript
from taskyard.core.agenttype import CUSTOM, SHELLS, TYPES

INTERPRETERS = re.compile(r"node|nodejs|bun|deno|python[0-9.]*|pypy[0-9.]*")


@dataclass(frozen=True)
class Runner:
    """A program that runs the program named by its arguments. `valued` are its options that take a value of their own,
    `verbs` its words that may stand before the program, `leading` is how many arguments always do; `script` are its
    options whose value is a shell's script, before which `operands` arguments may stand; `dashes`: the program stands
    behind `--`."""

    valued: frozenset[str] = frozenset()
    verbs: frozenset[str] = frozenset()
    leading: int = 0
    script: frozenset[str] = frozenset()
    operands: int = 0
    dashes: bool = False


def _runner(valued: str = "", *, verbs: str = "", leading: int = 0, script: str = "", operands: int = 0) -> Runner:
    return Runner(frozenset(valued.split()), frozenset(verbs.split()), leading, frozenset(script.split()), operands)


_PACKAGE_OPTIONS = "-p --package -w --workspace -C --dir --prefix --registry --cache"
_PYTHON_OPTIONS = "--from --with -p --python --project --directory --env-file --index --index-url --spec --pip-args"
_BEHIND_DASHES = Runner(dashes=True)
RUNNERS = {
    "exec": _runner("-a"),
    "command": _runner(),
    "nohup": _runner(),
    "setsid": _runner(),
    "time": _runner("-f -o --format --output"),
    "env": _runner("-u --unset -C --chdir", script="-S --split-string"),
    "nice": _runner("-n --adjustment"),
    "ionice": _runner("-c -n --class --classdata"),
    "chrt": _runner(leading=1),
    "timeout": _runner("-k -s --kill-after --signal", leading=1),
    "stdbuf": _runner("-i -o -e --input --output --error"),
    "unbuffer": _runner(),
    "script": _runner(script="-c --command"),
    "sudo": _runner("-u -g -C -D -h -p --user --group --chdir"),
    "doas": _runner("-u -C"),
    "su": _runner("-s --shell -g --group", script="-c --command", operands=1),
    "runuser": _runner("-u --user -s --shell -g --group", script="-c --command", operands=1),
    "setpriv": _runner(),
    "gosu": _runner(leading=1),
    "su-exec": _runner(leading=1),
    "chroot": _runner(leading=1),
    "tini": _runner("-p -e"),
    "dumb-init": _runner("-r --rewrite"),
    "catatonit": _runner(),
    "taskset": _runner(leading=1),
    "busybox": _runner(),
    "npx": _runner(_PACKAGE_OPTIONS, script="-c --call"),
    "pnpx": _runner(_PACKAGE_OPTIONS),
    "bunx": _runner(_PACKAGE_OPTIONS),
    "npm": _runner(_PACKAGE_OPTIONS, verbs="exec x", script="-c --call"),
    "pnpm": _runner(_PACKAGE_OPTIONS, verbs="exec dlx"),
    "yarn": _runner(_PACKAGE_OPTIONS, verbs="exec dlx run"),
    "corepack": _runner(),
    "uvx": _runner(_PYTHON_OPTIONS),
    "uv": _runner(_PYTHON_OPTIONS, verbs="run tool"),
    "pipx": _runner(_PYTHON_OPTIONS, verbs="run"),
    "poetry": _runner("-C -P --directory --project", verbs="run"),
    **dict.fromkeys(("mise", "direnv", "devbox", "doppler", "op", "infisical", "dotenv", "aws-vault"), _BEHIND_DASHES),
}
_INTERPRETER_OPTIONS_WITH_VALUE = frozenset(
    ("-r", "--require", "--import", "--loader", "--env-file", "-C", "--conditions", "-X", "-W")
)
_INTERPRETER_VERBS = {"bun": ("run", "x"), "deno": ("run",)}
_SHELL_OPTIONS_WITH_VALUE = ("-o", "+o", "-O", "+O", "--rcfile", "--init-file")
_PACKAGES = ("node_modules", "site-packages", "dist-packages")
_VERSION = re.compile(r"[@\[]|[=~<>!]=|\.(?:js|mjs|cjs|ts|py|exe|sh)$")
# How many shells and runners may stand within one another.
_DEPTH = 8


def of(command: Sequence[str]) -> str:
    """The type of the program that the command runs: named as such, by its path, its package, or as the module of an
    interpreter; behind programs that only run another one; in a shell's script the one that has the terminal in the
    end. `custom` for any other: the screen may still tell.
    """
    return _of(list(command), _DEPTH)


def _of(words: list[str], depth: int) -> str:
    while words and shellscript.ASSIGNMENT.fullmatch(words[0]):
        words = words[1:]
    if not words or depth == 0:
        return CUSTOM
    program, arguments = words[0].rpartition("/")[2], words[1:]
    if program in SHELLS:
        return _of_shell(arguments, depth)
    if program == "command" and arguments[:1] in (["-v"], ["-V"]):
        return CUSTOM
    if program == "eval":
        return _of_script(" ".join(arguments), [], depth)
    if program in RUNNERS:
        return _behind(RUNNERS[program], arguments, depth)
    if INTERPRETERS.fullmatch(program):
        return _of_interpreter(program, arguments)
    return _named(words[0])


def _of_shell(arguments: list[str], depth: int) -> str:
    """By the shell's script, or by the name of the file that is its script."""
    rest = list(arguments)
    runs_script = False
    while rest and rest[0][:1] in ("-", "+") and len(rest[0]) > 1 and rest[0] != "--":
        option = rest.pop(0)
        runs_script = runs_script or (option.startswith("-") and not option.startswith("--") and "c" in option)
        if option in _SHELL_OPTIONS_WITH_VALUE:
            rest = rest[1:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    if not rest:
        return CUSTOM
    return _of_script(rest[0], rest[1:], depth) if runs_script else _named(rest[0])


def _of_script(script: str, arguments: list[str], depth: int) -> str:
    types = (_of(command, depth - 1) for command in shellscript.last_commands(script, arguments))
    return next((found for found in types if found != CUSTOM), CUSTOM)


def _of_interpreter(program: str, arguments: list[str]) -> str:
    """By the module or the file that an interpreter runs."""
    for index, argument in enumerate(arguments):
        if index > 0 and arguments[index - 1] in _INTERPRETER_OPTIONS_WITH_VALUE:
            continue
        if argument == "-m":
            return _named("".join(arguments[index + 1 : index + 2]).partition(".")[0])
        if argument in ("-c", "-e", "-p", "--eval", "--print"):
            return CUSTOM
        if not argument.startswith("-") and argument not in _INTERPRETER_VERBS.get(program, ()):
            return _named(argument)
    return CUSTOM


def _behind(runner: Runner, arguments: list[str], depth: int) -> str:
    """The type of what a runner runs."""
    rest, leading = list(arguments), runner.leading
    if runner.dashes:
        rest = rest[rest.index("--") :] if "--" in rest else []
    script = _script_among(runner, rest)
    if script:
        return _of_script(script, [], depth)
    names_user = False
    while rest and (rest[0].startswith("-") or rest[0] in runner.verbs or leading):
        word = rest.pop(0)
        if word == "--":
            break
        if not word.startswith("-") and word not in runner.verbs:
            leading -= 1
            continue
        names_user = names_user or word.startswith(("-u", "--user"))
        if _takes_next(word, runner.valued):
            rest = rest[1:]
    if runner.operands and not names_user:
        return CUSTOM  # what follows is a user, who gets a shell
    return _of(rest, depth - 1)


def _takes_next(option: str, valued: frozenset[str]) -> bool:
    """Whether the value of an option is the next word. Of several letters one may take the rest of the word."""
    if option.startswith("--") or not re.fullmatch("-[A-Za-z]{2,}.*", option):
        return option in valued
    letters = [place for place, letter in enumerate(option) if f"-{letter}" in valued]
    return bool(letters) and letters[0] == len(option) - 1


def _script_among(runner: Runner, arguments: list[str]) -> str:
    """The script that an option gives a runner; empty without."""
    operands, value_of = 0, ""
    for word in arguments:
        if word in runner.verbs and not value_of:
            continue
        option, _, value = word.partition("=")
        if re.fullmatch("-[A-Za-z]+", word):
            option = word = f"-{word[-1]}"  # the last of several letters may take a value
        if value_of:
            if value_of in runner.script:
                return word
            value_of = ""
        elif option in runner.script and value:
            return value
        elif word in runner.script or word in runner.valued:
            value_of = word
        elif word == "--" or (not word.startswith("-") and (operands := operands + 1) > runner.operands):
            break
    return ""


def _named(word: str) -> str:
    """The type that a program's name, path or package stands for, with a version or not."""
    parts = [part for part in word.split("/") if part]
    folders = [index for index, part in enumerate(parts) if part in _PACKAGES]
    for part in parts[folders[-1] + 1 :] if folders else parts[-1:]:
        name = _VERSION.split(part, maxsplit=1)[0]
        if name in TYPES:
            return TYPES[name]
    return CUSTOM
