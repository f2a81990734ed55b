"""`agent.ready` of a template version: the pattern that a terminal's screen must show before the first prompt is typed.

It is RE2, as the API server has checked it: linear in time, since the screen is the agent's. In it `^` and `$` are the
beginning and the end of a row.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import re2  # type: ignore[import-untyped]

ROWS = "(?m)"


class ReadyPattern:
    """Raises ValueError for a pattern that RE2 does not take."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._search: Callable[[str], object | None] = _compiled(text).search

    def is_shown(self, screen: str) -> bool:
        return self._search(screen) is not None


@lru_cache(maxsize=256)
def problem(text: str | None) -> str | None:
    """Why the pattern cannot be used, in a sentence; None when it can."""
    try:
        _compiled(text or "")
    except ValueError as error:
        return f"spec.agent.ready cannot be used as a pattern: {error}"
    return None


def _compiled(text: str) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(ROWS + text, options=options)
    except re2.error as error:
        cause = error.args[0] if error.args else error
        said = cause.decode(errors="replace") if isinstance(cause, bytes) else str(cause)
        raise ValueError(said.replace(ROWS, "", 1)) from error
