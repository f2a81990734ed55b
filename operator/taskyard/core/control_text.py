"""What can be typed as a command of the agent's program, such as `/compact`: one line."""

from __future__ import annotations

import re

from taskyard.limits import MAX_CONTROL_CHARACTERS

# Control characters, and what ends a line besides them.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def problem(text: str) -> str | None:
    """Why the text is no command, as what follows after "it …"; None when it may be one."""
    if not text.strip():
        return "must not be empty"
    if len(text) > MAX_CONTROL_CHARACTERS:
        return f"may have at most {MAX_CONTROL_CHARACTERS} characters when the type is control"
    if _NOT_IN_A_LINE.search(text):
        return "must be one line without control characters when the type is control"
    return None
