"""`agent.ready` of a template version: the pattern that a terminal's screen must show before the first prompt is typed.

It is RE2, as the API server has checked it: linear in time, since the screen is the agent's. In it `^` and `$` are the
beginning and the end of a row.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from taskyard.core import regular_expression

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


def _compiled(text: str) -> Any:
    try:
        return regular_expression.compiled(ROWS + text)
    except ValueError as error:
        raise ValueError(str(error).replace(ROWS, "", 1)) from error
