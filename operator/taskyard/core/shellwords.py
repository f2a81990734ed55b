"""Words and operators of a shell script, as far as it takes to see which commands it runs. Nothing is expanded or run.

A text that is no valid script gives what could be read of it; there are no errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# Blanks, a comment, the number of a file before its redirection.
_NO_TOKEN = re.compile(r"(?:[ \t\r]|\\\n)+|#[^\n]*|\d+(?=[<>])|\{\w+\}(?=[<>])")
_OPERATOR = re.compile(r"\n|;;&|;;|;&|;|&&|&>>|&>|&|\|\||\|&|\||\(|\)|<<<|<<-|<<|<>|<&|>>|>&|>\||<|>")
_REDIRECTIONS = frozenset({"&>", "&>>", "<<<", "<<-", "<<", "<>", "<&", ">>", ">&", ">|", "<", ">"})
_HERE = frozenset({"<<", "<<-"})
_PLAIN = re.compile(r"[^\s;&|()<>'\"\\$`]+")
_VARIABLE = re.compile(r"\$(?:[A-Za-z_]\w*|[0-9@*#?$!-])")
_PAIRS = {"(": ")", "{": "}"}


class Operator(str):
    """What stands between commands: a line's end, `;`, `&`, `&&`, `||`, `|`, a parenthesis."""


def words(text: str) -> list[str]:
    """The words of one command, without quotes; expansions are left as they are."""
    return [token for token in tokens(text) if not isinstance(token, Operator)]


def tokens(script: str) -> Iterator[str]:
    """Words, and between them each Operator. Quotes are removed and expansions left as they are; comments,
    redirections and here-documents are left out."""
    position, bodies, target = 0, list[tuple[str, bool]](), ""
    while position < len(script):
        if found := _NO_TOKEN.match(script, position):
            position = found.end()
        elif found := _OPERATOR.match(script, position):
            operator, position = found[0], found.end()
            if operator in ("<", ">") and script.startswith("(", position):
                position = _end(script, position + 1, ")")  # <(command) stands for the name of a file
                target = ""
            elif operator in _REDIRECTIONS:
                target = operator
            else:
                target = ""
                if operator == "\n":
                    position, bodies = _after(script, position, bodies), []
                yield Operator(operator)
        else:
            word, position = _word(script, position)
            if target in _HERE:
                bodies.append((word, target == "<<-"))
            elif not target:
                yield word
            target = ""


def _word(script: str, position: int) -> tuple[str, int]:
    """The word that begins there, and where it ends."""
    parts: list[str] = []
    while position < len(script):
        character = script[position]
        if found := _PLAIN.match(script, position):
            parts.append(found[0])
            position = found.end()
        elif character == "\\":
            if script[position + 1 : position + 2] != "\n":
                parts.append(script[position + 1 : position + 2])
            position += 2
        elif character == "'":
            end = _find(script, "'", position + 1)
            parts.append(script[position + 1 : end])
            position = end + 1
        elif character == '"':
            end = _end(script, position + 1, '"')
            parts.append(script[position + 1 : end - 1])
            position = end
        elif character in "$`":
            end = _expansion(script, position)
            parts.append(script[position:end])
            position = end
        else:
            break
    return "".join(parts), position


def _expansion(script: str, position: int) -> int:
    """Where the expansion that begins there ends: `$name`, `${…}`, `$(…)` or `` `…` ``."""
    if script[position] == "`":
        return _end(script, position + 1, "`")
    opening = script[position + 1 : position + 2]
    if opening in _PAIRS and opening:
        return _end(script, position + 2, _PAIRS[opening])
    found = _VARIABLE.match(script, position)
    return found.end() if found else position + 1


def _end(script: str, position: int, closing: str) -> int:
    """Behind the closing character of what is nested there, a quotation or an expansion."""
    closings = [closing]
    while position < len(script) and closings:
        character, inner = script[position], closings[-1]
        if character == "\\":
            position += 1
        elif character == inner:
            closings.pop()
        elif character == "'" and inner != '"':
            position = _find(script, "'", position + 1)
        elif character == '"' and inner != '"':
            closings.append('"')
        elif character == "`" or (character == "$" and script[position + 1 : position + 2] in ("(", "{")):
            if character == "$":
                position += 1
            closings.append(_PAIRS.get(script[position], "`"))
        elif character == "(" and inner == ")":
            closings.append(")")
        position += 1
    return min(position, len(script))


def _find(script: str, text: str, position: int) -> int:
    found = script.find(text, position)
    return found if found >= 0 else len(script)


def _after(script: str, position: int, bodies: list[tuple[str, bool]]) -> int:
    """Behind the bodies of the here-documents that begin there; each has its delimiter, and whether tabs before that
    count."""
    for delimiter, strips in bodies:
        while position < len(script):
            end = _find(script, "\n", position)
            line, position = script[position:end], min(end + 1, len(script))
            if (line.lstrip("\t") if strips else line) == delimiter:
                break
    return position
