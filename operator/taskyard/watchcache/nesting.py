"""Objects that are nested more deeply than a decoder follows."""

from __future__ import annotations

import re

from taskyard.core.api_object import MAX_LEVELS

# What stands in place of a value that is too deep. Who writes the same makes an object of their own unreadable.
_CUT = b'"cut off by Taskyard: nested too deeply"'
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')


def cut(raw: bytes) -> bytes:
    """The same JSON without the values that are too deep. It takes a while: to be called after a RecursionError."""
    kept: list[bytes] = []
    level = begin = 0
    for token in _TOKEN.finditer(raw):
        match token.group():
            case b"[" | b"{":
                level += 1
                if level == MAX_LEVELS + 1:
                    kept += [raw[begin : token.start()], _CUT]
            case b"]" | b"}":
                if level == MAX_LEVELS + 1:
                    begin = token.end()
                level -= 1
    kept.append(raw[begin:])
    return b"".join(kept)


def is_cut(raw: bytes) -> bool:
    """Whether something is missing in JSON from `cut`."""
    return _CUT in raw
