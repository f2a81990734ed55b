"""Searches the lines of an audit log for what none may have: prompts, messages, tokens and the values of Secrets.

A secret is found as it is, escaped as in JSON, URL-encoded, in base64, in hexadecimal digits, or one of these within
another; upper and lower case do not matter. A part is enough: its beginning, its end, or any 23 characters in between.
A text of less than 12 characters is found as a whole, and one of less than 8 is not looked for: lines have such words.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jsonschema_rs import ValidationError, validator_for

BEGIN = '{"audit":"taskyard.dev/v1",'
SCHEMA = validator_for(json.loads((Path(__file__).parents[1] / "docs" / "audit.schema.json").read_text()))

# A secret is known by its pieces of so many characters, and a shorter one by all of them. What is still shorter, or has
# fewer different characters, may be in a line by chance.
_PIECE, _SHORTEST, _DIFFERENT = 12, 8, 5
# Of a longer one only the beginning and the end.
_EDGE = 4096

_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{11,}")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{16,}")
_DEPTH = 2


class Secrets:
    """Texts that no line may have."""

    def __init__(self) -> None:
        # By their length.
        self._pieces: dict[int, set[str]] = {}

    def __len__(self) -> int:
        """How many pieces are looked for."""
        return sum(map(len, self._pieces.values()))

    def add(self, text: str) -> None:
        """A text; a short one that may be in a line by chance is left out."""
        whole = text.strip().casefold()
        if len(whole) < _SHORTEST:
            return
        size = min(len(whole), _PIECE)
        for part in (whole[:_EDGE], whole[-_EDGE:]) if len(whole) > _EDGE else (whole,):
            starts = [*range(0, len(part) - size + 1, size), len(part) - size]
            pieces = (part[start : start + size] for start in starts)
            known = self._pieces.setdefault(size, set())
            known.update(piece for piece in pieces if len(set(piece)) >= _DIFFERENT)

    def add_all(self, value: Any) -> None:
        """Every text in a document, whatever its shape."""
        match value:
            case str():
                self.add(value)
            case list():
                for part in value:
                    self.add_all(part)
            case dict():
                for key, part in value.items():
                    self.add_all(key)
                    self.add_all(part)

    def found(self, text: str) -> set[str]:
        """The pieces of secrets that a text has in it, in whatever way they are encoded."""
        return {
            piece
            for reading in {reading.casefold() for reading in readings(text)}
            for size, pieces in self._pieces.items()
            for piece in {reading[start : start + size] for start in range(len(reading) - size + 1)} & pieces
        }


def readings(text: str, depth: int = _DEPTH) -> Iterator[str]:
    """A text, and what it means if it is encoded, or a part of it is."""
    yield text
    if depth:
        for decoded in _decoded(text):
            yield from readings(decoded, depth - 1)


def faults(lines: Iterable[str], secrets: Secrets) -> list[str]:
    """What is wrong with the lines of the audit log in a gateway's output: one is not whole, not of the schema, or has
    a secret in it."""
    wrong = []
    for line in lines:
        if '"audit":' not in line:
            continue
        try:
            SCHEMA.validate(json.loads(line))
        except (ValueError, ValidationError) as error:
            wrong.append(f"not a line of the audit log ({error}): {line}")
        wrong += [
            f"the line has {piece!r} in it, which is a part of a secret (if these are Taskyard's own words, let the "
            f"test say others): {line}"
            for piece in secrets.found(line)
        ]
    return wrong


def _decoded(text: str) -> Iterator[str]:
    if "\\" in text:
        unescaped = _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else _letter(found[2]), text)
        # Two escapes are one character beyond the first 65,536.
        yield unescaped.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "%" in text or "+" in text:
        yield urllib.parse.unquote_plus(text)
    for run in _BASE64.findall(text):
        standard = run.replace("-", "+").replace("_", "/")
        # Letters before it may belong to the run.
        for start in range(4):
            part = standard[start:]
            yield from _readable(base64.b64decode(part[: len(part) - len(part) % 4]))
            if len(part) % 4 in (2, 3):
                # Its last characters, without the padding.
                yield from _readable(base64.b64decode(part + "=" * (-len(part) % 4)))
    for run in _HEXADECIMAL.findall(text):
        for part in (run, run[1:]):
            yield from _readable(bytes.fromhex(part[: len(part) - len(part) % 2]))


def _letter(escaped: str) -> str:
    return _ESCAPED.get(escaped, escaped)


def _readable(content: bytes) -> Iterator[str]:
    """The text that bytes are; nothing for what was no text before it was decoded."""
    text = content.decode(errors="replace")
    if text.count("\ufffd") <= len(text) // 4:
        yield text
