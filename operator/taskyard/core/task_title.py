"""Titles for people, made from prompts."""

from __future__ import annotations

from taskyard.core.text_sanitizer import one_line
from taskyard.limits import MAX_DISPLAY_NAME_CHARACTERS

# A title is made at each change of a Task; blanks and escape sequences before the first word are hardly ever longer.
READ_CHARACTERS = 4_096


def display_name(prompt: str, *, fallback: str) -> str:
    """First words of a prompt, at most 64 characters, first letter in upper case; `fallback` for a blank prompt."""
    text = " ".join(one_line(prompt[:READ_CHARACTERS]).split())
    if not text:
        return fallback
    if len(text) > MAX_DISPLAY_NAME_CHARACTERS:
        head = text[: MAX_DISPLAY_NAME_CHARACTERS - 1]
        at_word = head.rsplit(" ", 1)[0] if " " in head else head
        text = at_word + "…"
    # A first letter may become longer in upper case (ß): the limit applies to what is shown.
    return (text[0].upper() + text[1:])[:MAX_DISPLAY_NAME_CHARACTERS]
