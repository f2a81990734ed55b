"""Reads a terminal's byte stream: text, control characters and escape sequences. Pure.

The agent's output is not trusted, so the reader is bounded: an unterminated sequence keeps at most PENDING
characters, a control string (title, clipboard, image) keeps nothing, counts are capped, and a sequence that the
screen does not know is skipped as a whole instead of being shown as text.
"""

import codecs
import re
from collections.abc import Callable
from typing import Protocol

PENDING = 256
MAX_COUNT = 9999

TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
    r"|\x1b\[(?P<parameters>[0-?]*)(?P<between>[ -/]*)(?P<final>[@-~])"
    r"|\x1b(?P<string>[\]PX^_])"
    r"|\x1b(?P<intermediate>[ -/]*)(?P<letter>[0-OQ-WYZ\\`-~])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f-\x9f])"
)
INCOMPLETE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[ -/]*)\Z")
STRING_END = re.compile(r"\x07|\x1b\\|\x9c|[\x18\x1a]")


class Target(Protocol):
    """The screen, as far as this reader needs it."""

    def draw(self, data: str) -> None: ...
    def control(self, character: str) -> None: ...
    def escape(self, intermediate: str, letter: str) -> None: ...
    def sequence(self, private: str, numbers: list[int], final: str) -> None:
        """`final`: the last character, after the intermediate ones if there are any (`$p`)."""


class Reader:
    def __init__(self, target: Target) -> None:
        self._target = target
        self._decode: Callable[[bytes], str] = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._in_string = False

    def feed(self, data: bytes) -> None:
        text = self._rest + self._decode(data)
        self._rest = ""
        position = 0
        while position < len(text):
            if self._in_string:
                position = self._skip_string(text, position)
                continue
            match = TOKEN.match(text, position)
            if match is not None:
                position = match.end()
                self._dispatch(match)
            elif INCOMPLETE.match(text, position) and len(text) - position <= PENDING:
                self._rest = text[position:]
                return
            else:
                position += 1  # an escape character that starts nothing known

    def _skip_string(self, text: str, position: int) -> int:
        end = STRING_END.search(text, position)
        if end is not None:
            self._in_string = False
            return end.end()
        if text.endswith("\x1b"):
            self._rest = "\x1b"  # may be the first half of the terminator
        return len(text)

    def _dispatch(self, match: re.Match[str]) -> None:
        kind = match.lastgroup
        if kind == "text":
            self._target.draw(match["text"])
        elif kind == "control":
            self._target.control(match["control"])
        elif kind == "string":
            self._in_string = True
        elif kind == "letter":
            self._target.escape(match["intermediate"], match["letter"])
        else:
            parameters = match["parameters"]
            private = parameters[0] if parameters[:1] in ("<", "=", ">", "?") else ""
            self._target.sequence(private, _numbers(parameters[len(private) :]), match["between"] + match["final"])


def _numbers(parameters: str) -> list[int]:
    """The numbers in a sequence; a missing one is 0, and of `4:3` only the 4 is taken."""
    numbers = []
    for parameter in parameters.split(";")[:32]:
        digits = parameter.partition(":")[0]
        numbers.append(min(int(digits[:6]), MAX_COUNT) if digits.isdigit() else 0)
    return numbers
