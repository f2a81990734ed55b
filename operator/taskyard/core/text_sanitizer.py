"""Text that an agent or a user chose, made safe for a person's terminal and browser.

Only control characters go: spaces of every kind, joiners, marks of direction, variation selectors, private use and
characters newer than this Python's tables are text, and stay.
"""

import json
import re

from taskyard.core.html_tags import without_tags

# All but line feed and tab, in ASCII and in its 8-bit extension.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Escape sequences (CSI, OSC and other strings with their end, two-character escapes), in their 7-bit and 8-bit forms.
# A string without an end is no sequence: what follows its beginning is text. It contains no beginning of another one,
# which also bounds the time that this takes.
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b(?![\]PX^_])[ -/]*[0-~]?"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
# Where a line may break, and the blanks that ASCII has; U+00A0, U+3000 and the like are written on purpose.
_BLANKS = re.compile("[\t-\r\x1c-\x1f \x85\u2028\u2029]+")
_EMBEDDINGS, _POP_EMBEDDING = "\u202a\u202b\u202d\u202e", "\u202c"
_ISOLATES, _POP_ISOLATE = "\u2066\u2067\u2068", "\u2069"
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def sanitize_message(text: str) -> str:
    """One line without markup: quotes around the whole text are undone, then HTML tags, terminal escape sequences and
    control characters are removed, and runs of whitespace become one space.

    Meant for the short messages of status reports (at most 160 bytes).
    """
    return one_line(without_tags(_unquoted(text)))


def one_line(text: str) -> str:
    """The text in one line, without escape sequences and control characters; runs of line breaks, tabs and spaces
    become one space. Changes of direction that are never ended would reach what is shown beside it, and are removed.
    """
    line = CONTROLS.sub("", _BLANKS.sub(" ", _ANSI.sub("", whole(text))))
    line = line if _ends_directions(line) else _DIRECTIONS.sub("", line)
    return _BLANKS.sub(" ", line).strip()


def printable_text(text: str) -> str:
    """The text without terminal escape sequences and control characters; line feeds and tabs stay."""
    return CONTROLS.sub("", with_line_feeds(_ANSI.sub("", whole(text))))


def visible_controls(text: str) -> str:
    """The text with control characters as the pictures that Unicode has for them (ESC as ␛), so that a terminal shows
    them and none is lost; line feeds and tabs stay.
    """
    return CONTROLS.sub(lambda found: _picture(ord(found[0])), with_line_feeds(whole(text)))


def without_escapes(text: str) -> str:
    """The text without terminal escape sequences."""
    return _ANSI.sub("", text)


def with_line_feeds(text: str) -> str:
    """The text with all line ends (CRLF, CR) as line feeds."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def whole(text: str) -> str:
    """The text with pairs of surrogates joined, and lone ones replaced by question marks: JSON can contain them, for
    example where a program of UTF-16 cut an emoji in two, but UTF-8 cannot.
    """
    if not _SURROGATES.search(text):
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return _SURROGATES.sub("?", joined)


def _picture(code: int) -> str:
    if code >= 0x80:  # the 8-bit form of an escape, shown in its 7-bit form
        return f"\u241b{chr(code - 0x40)}"
    return "\u2421" if code == 0x7F else chr(0x2400 + code)


def _ends_directions(text: str) -> bool:
    """Whether each embedding, override and isolate of Unicode's bidirectional text ends within the text."""
    opened: list[str] = []
    for found in _DIRECTIONS.findall(text):
        if found in _EMBEDDINGS:
            opened.append(_POP_EMBEDDING)
        elif found in _ISOLATES:
            opened.append(_POP_ISOLATE)
        elif not opened or opened.pop() != found:
            return False
    return not opened


def _unquoted(text: str) -> str:
    stripped = text.strip()
    if len(stripped) < 2 or not (stripped.startswith('"') and stripped.endswith('"')):
        return text
    try:
        unquoted = json.loads(stripped)
    except ValueError:
        return text
    return str(unquoted)
