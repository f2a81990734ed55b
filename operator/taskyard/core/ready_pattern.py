"""`agent.ready` of a template version: the pattern that a terminal's screen must show before the first prompt is typed.

The API server has checked it as RE2. Here it becomes a pattern of Python, whose syntax differs in a few places. In it
`^` and `$` are the beginning and the end of a row, and `\\w`, `\\d`, `\\s` and `\\b` know ASCII alone, as in RE2.
"""

from __future__ import annotations

import re

_PIECE = re.compile(
    r"""\\Q(?P<literal>.*?)(?:\\E|\Z)
    | \\x\{(?P<code>[0-9A-Fa-f]{1,6})\}
    | (?P<end>\\z)
    | (?P<unknown>\\[pPC])
    | (?P<escape>\\.)
    | \[:(?P<inverse>\^?)(?P<set>[a-z]+):\]
    | (?P<open>\[\^?\]?)
    | (?P<close>\])
    | (?P<group>\(\?<(?=[A-Za-z_]))
    | (?P<lazy>\(\?[a-zA-Z]*U)
    | (?P<brace>\{(?=,))
    | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_SETS = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": "\\x00-\\x7f",
    "blank": "\\t ",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\t\\n\\v\\f\\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, to be searched for in the rows of a screen. Raises ValueError with what cannot be used of it."""
    parts: list[str] = []
    in_set = False
    for piece in _PIECE.finditer(pattern):
        part, in_set = _part(piece, in_set=in_set)
        parts.append(part)
    try:
        return re.compile("".join(parts), re.MULTILINE | re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _part(piece: re.Match[str], *, in_set: bool) -> tuple[str, bool]:
    """Python's form of one piece, and whether a set of characters is open behind it."""
    kind, text = piece.lastgroup, piece[0]
    match kind:
        case "literal":
            return re.escape(piece["literal"]), in_set
        case "code":
            number = int(piece["code"], 16)
            if number > 0x10FFFF:
                raise ValueError(f"{text} is no character")
            return re.escape(chr(number)), in_set
        case "end":
            return r"\Z", in_set
        case "unknown" | "lazy":
            raise ValueError(f"{text} is not supported")
        case "set" if in_set:
            if piece["inverse"] or piece["set"] not in _SETS:
                raise ValueError(f"{text} is not supported")
            return _SETS[piece["set"]], True
        case "open" if not in_set:
            return text.replace("[]", r"[\]").replace("^]", r"^\]"), True
        case "close" if in_set:
            return text, False
        case "group" if not in_set:
            return "(?P<", False
        case "brace" if not in_set:
            return r"\{", False
        case "escape":
            return text, in_set
    # Inside of a set, Python keeps some characters for later use.
    return ("".join(f"\\{c}" if c in "[&~|" else c for c in text) if in_set else text), in_set


def problem(pattern: str | None) -> str | None:
    """Why the pattern cannot be used, if it cannot."""
    if not pattern:
        return None
    try:
        compiled(pattern)
    except ValueError as error:
        return f"spec.agent.ready cannot be used as a pattern: {error}"
    return None
