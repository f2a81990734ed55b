"""Which of its commands a shell script leaves in the terminal: that of the last command in the foreground."""

from __future__ import annotations

import re
from collections.abc import Sequence

from taskyard.core import shellwords
from taskyard.core.shellwords import Operator

ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)
# Reserved words after which a command begins.
_LEADING = frozenset({"if", "then", "elif", "else", "while", "until", "do", "{", "!", "time"})
_OPENING = {"if": "fi", "while": "done", "until": "done", "for": "done", "select": "done", "case": "esac", "{": "}"}
_CLOSING = frozenset({"fi", "done", "esac", "}"})
# Commands behind the agent's that never take the terminal.
_PASSED_OVER = frozenset(
    {":", "true", "false", "exit", "return", "break", "continue", "echo", "printf", "sleep", "wait", "set", "unset"}
    | {"export", "local", "shift", "trap", "kill", "test", "[", "[[", "cd", "date", "touch", "rm"}
)
_DEFAULT = re.compile(r"\$\{(\w+)(?::?[-=](.*))?\}", re.DOTALL)

Command = list[str]


def last_commands(script: str, arguments: Sequence[str] = ()) -> list[Command]:
    """The commands of which one has the terminal in the end, the likeliest first: of `a || b` both, of `a | b` both.
    Those that run in the background, and those that follow an `exec`, are none. `arguments` are the script's, from
    `$0` on; they and variables that the script sets are filled in.
    """
    lists = _Lists(list(arguments))
    for token in shellwords.tokens(script):
        if not lists.take(token):
            break
    return lists.last()


class _Lists:
    """Reads a script command by command. A list is what stands between `;`, ends of lines and reserved words:
    alternatives (`||`) of chains (`&&`) of pipelines (`|`) of commands."""

    def __init__(self, arguments: list[str]) -> None:
        self._arguments = arguments
        self._variables: dict[str, str] = {}
        self._open: list[str] = []
        self._functions: set[str] = set()
        self._command: Command = []
        self._pipeline: list[Command] = []
        self._chain: list[list[Command]] = []
        self._alternatives: list[list[list[Command]]] = []
        self._lists: list[list[list[list[Command]]]] = []

    def take(self, token: str) -> bool:
        """Whether more of the script can matter."""
        if isinstance(token, Operator):
            return self._operator(token)
        if not self._command and token in _CLOSING:
            if self._open and self._open[-1] == token:
                self._open.pop()
        elif not self._command and token in _OPENING:
            self._open.append(_OPENING[token])
            if token not in _LEADING:
                self._command.append(token)
        elif self._command or token not in _LEADING:
            self._command.append(token)
        return True

    def last(self) -> list[Command]:
        self._operator(Operator("\n"))
        for alternatives in reversed(self._lists):
            found = [command for chain in alternatives for command in self._last_of(chain)]
            if found:
                return found
        return []

    def _last_of(self, chain: list[list[Command]]) -> list[Command]:
        """The last pipeline of a chain that may have the terminal. A call of a function leads to what was read before:
        the function's body."""
        for pipeline in reversed(chain):
            found = [c for c in pipeline if c[0] not in _PASSED_OVER and c[0] not in self._functions]
            if found:
                return found
        return []

    def _operator(self, operator: Operator) -> bool:
        if operator == "(":
            self._functions.update(self._command)  # `name()` begins a function
            self._command.clear()
            self._open.append(")")
            return True
        if operator == ")" and self._open and self._open[-1] == "esac":
            self._command.clear()  # it was a pattern of `case`
            return True
        is_exec = self._command[:1] == ["exec"] and len(self._command) > 1
        if self._command:
            self._end_command()
        if operator in ("|", "|&"):
            return True
        if self._pipeline:
            self._chain.append(self._pipeline)
            self._pipeline = []
        if operator == "&&":
            return True
        if self._chain:
            self._alternatives.append(self._chain)
            self._chain = []
        if operator == "||":
            return True
        conditional = len(self._alternatives) != 1 or len(self._alternatives[0]) != 1
        if self._alternatives and operator != "&":
            self._lists.append(self._alternatives)
        self._alternatives = []
        if operator == ")" and self._open and self._open[-1] == ")":
            self._open.pop()
        return not (is_exec and not self._open and not conditional)

    def _end_command(self) -> None:
        command, self._command = self._command, []
        set_here = [found for word in command if (found := ASSIGNMENT.fullmatch(word))]
        if len(set_here) == len(command):
            self._variables.update({found[1]: found[2] for found in set_here})
            return
        filled = [part for word in command for part in self._filled(word)]
        if filled:
            self._pipeline.append(filled)

    def _filled(self, word: str) -> list[str]:
        """The word, or the words that a variable or parameter alone in it stands for, as far as that is known."""
        if word in ("$@", "$*", "${@}", "${*}"):
            return self._arguments[1:] or [word]
        found = _DEFAULT.fullmatch(word)
        name, default = (found[1], found[2]) if found else (word[1:] if word.startswith("$") else "", None)
        if name.isdigit() and int(name) < len(self._arguments):
            return [self._arguments[int(name)]]
        value = self._variables.get(name) or default
        return shellwords.words(value) if value else [word]
