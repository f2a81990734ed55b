"""Text that an agent chose, made safe for a person's terminal and browser."""

import json
import re

# Escape sequences (CSI, OSC and other strings up to their end, two-character escapes), in their 7-bit and 8-bit forms.
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
# A tag begins with a letter, so that `a < b` stays as it is.
_HTML = re.compile(r"<!--.*?-->|</?[A-Za-z][^<>]*>|<[!?][^<>]*>", re.DOTALL)


def sanitize_message(text: str) -> str:
    """One line without markup: quotes around the whole text are undone, then HTML tags, terminal escape sequences and
    unprintable characters are removed, and runs of whitespace become one space.

    Meant for the short messages of status reports (at most 160 bytes).
    """
    return " ".join(printable_text(_without_tags(_unquoted(text))).split())


def printable_text(text: str) -> str:
    """The text without terminal escape sequences and unprintable characters; line feeds and tabs stay."""
    lines = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(character for character in lines if character.isprintable() or character in "\n\t")


def _unquoted(text: str) -> str:
    stripped = text.strip()
    if len(stripped) < 2 or not (stripped.startswith('"') and stripped.endswith('"')):
        return text
    try:
        unquoted = json.loads(stripped)
    except ValueError:
        return text
    return str(unquoted)


def _without_tags(text: str) -> str:
    # Repeated until nothing changes: the text around a removed tag can form another one.
    while (shorter := _HTML.sub("", text)) != text:
        text = shorter
    return text
