"""The limits of every text that goes into an object, in one place: what is longer is shortened, and says so.

The API server refuses a whole object for one text that is too long, and then nothing of it is shown. CRD schemas count
characters (Unicode code points), Events count bytes of UTF-8.
"""

from __future__ import annotations

from taskyard.core.text_sanitizer import one_line, whole

# Of a condition, a build or an input. Kubernetes allows a condition 32,768 characters, which nobody reads; the longest
# question that an agent can ask, with its options and its id at the end, has about 1,400.
MAX_MESSAGE_CHARACTERS = 2048
# Of somebody else's words within a message, so that the remedy after them is kept.
MAX_QUOTED_CHARACTERS = 700
# Of the line of a screen within a question of an agent's terminal, which has at most 300 characters, and who asks.
MAX_SCREEN_LINE_CHARACTERS = 200
# Of a condition's or an Event's reason, which may be the kubelet's.
MAX_REASON_CHARACTERS = 128
# Of an Event's note.
MAX_NOTE_BYTES = 1024


def message(text: str) -> str:
    """The message of a condition, a build or an input, in at most 2,048 characters."""
    return shortened(text, MAX_MESSAGE_CHARACTERS)


def quoted(text: str) -> str:
    """Somebody else's words, in at most 700 characters and without the full stop that the sentence around them has."""
    return shortened(text, MAX_QUOTED_CHARACTERS).rstrip(". ")


def screen_line(text: str) -> str:
    """A line of a program's screen, without control characters, in at most 200 characters."""
    return shortened(one_line(text), MAX_SCREEN_LINE_CHARACTERS)


def reason(text: str) -> str:
    """A reason, in at most 128 characters."""
    return whole(text)[:MAX_REASON_CHARACTERS]


def note(text: str) -> str:
    """The note of an Event, in at most 1,024 bytes of UTF-8."""
    text, characters = whole(text), MAX_NOTE_BYTES
    while len((cut := shortened(text, characters)).encode()) > MAX_NOTE_BYTES:
        # At least as many characters as bytes are too many; a character has up to four of them.
        characters -= max((len(cut.encode()) - MAX_NOTE_BYTES) // 4, 1)
    return cut


def shortened(text: str, characters: int) -> str:
    """The text in at most so many characters (at least 40); a cut is at the end, and says how much is missing."""
    text = whole(text)
    if len(text) <= characters:
        return text
    kept = text[: characters - len(_cut(len(text)))].rstrip()
    return kept + _cut(len(text) - len(kept))


def _cut(missing: int) -> str:
    return f"… ({missing} more characters)"
