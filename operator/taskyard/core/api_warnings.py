"""The API server's warnings, which come in the headers `Warning` of its answers (RFC 7234, `299 - "text"`)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from taskyard.core.text_sanitizer import one_line

# Code, agent and text. One header may have several of them, each with a date behind it.
_WARNING = re.compile(r'\d{3} \S+ "((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


def texts(headers: Iterable[str]) -> list[str]:
    """The texts of the warnings in these headers, each in one line; what is no warning is left out."""
    found = (_ESCAPED.sub(r"\1", warning[1]) for header in headers for warning in _WARNING.finditer(header))
    return [text for text in map(one_line, found) if text]
