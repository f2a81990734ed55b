"""The last sentence of an answer that a known program laid out for its screen: in frames, with marks, wrapped. Pure."""

import re

from taskyard.sidecar.emulator import cells

# Box drawing, block elements and blanks; the marks with which programs begin what an agent says.
FRAME = re.compile(r"^[\s─-▟]+|[\s─-▟]+$")
MARK = re.compile(r"^[●•✦■✕ℹ⏺] +")  # noqa: RUF001
ITEM = re.compile(r"^(?:[-*•●✦■✕ℹ⏺]|\d{1,3}[.)]) ")  # noqa: RUF001
# A sentence ends at its mark before a blank and no lower-case letter ("e.g. this" goes on), in Chinese and Japanese at
# once.
SENTENCE_END = re.compile(
    r"(?<=[^\W\d_][.!?])[\"'”’)\]]*\s+(?=[^\sa-z])|(?<=[\"'”’)\]`][.!?])\s+(?=[^\sa-z])|(?<=[。！？])(?=.)"  # noqa: RUF001
)
# What is written without blanks between words (Chinese, Japanese); Korean, as wide as it is, has them.
UNSPACED = re.compile(
    r"[\u2e80-\u312f\u3190-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff60\uffe0-\uffe6\U0001b000-\U0001b2ff"
    r"\U00020000-\U0003fffd]"
)
# What does not begin a row, so that the character before it goes to the next row too.
CLOSES = re.compile(r"[、。，．！？：；）］｝」』】》〉…ー]+")  # noqa: RUF001
# Columns by which a mark of punctuation at the end of another row may stand out.
HANGS = 2
# The part of a screen's width that the longest line of a wrapped text has at least.
WRAPPED = 0.6


def last_sentence(text: str, columns: int) -> str:
    """The last sentence of an answer on a screen of that many columns, in one line, without frames and marks; empty
    when there is none. Rows that the program wrapped are joined again: those that the next word did not fit into.
    """
    rows = [row.rstrip() for row in text.split("\n")]
    widest = max(map(cells.columns, rows))
    while rows and not FRAME.sub("", rows[-1]):
        rows.pop()
    paragraph: list[str] = []
    following = ""
    while rows and (shown := FRAME.sub("", rows[-1])):
        if following and not (widest >= WRAPPED * columns and _goes_on(rows[-1], following, widest)):
            break
        paragraph.append(shown)
        if ITEM.match(shown):
            break
        following = shown
        rows.pop()
    joined = MARK.sub("", _joined(paragraph[::-1]))
    sentences = [sentence for sentence in SENTENCE_END.split(joined) if sentence and sentence.strip()]
    return sentences[-1].strip() if sentences else ""


def _goes_on(row: str, following: str, widest: int) -> bool:
    """Whether the program may have wrapped the row, so that its text goes on in the following one: what comes next had
    no room in it.
    """
    if ITEM.match(following):
        return False
    if UNSPACED.match(following):
        closing = CLOSES.match(following, 1)
        return cells.columns(row + following[: closing.end() if closing else 1]) > widest - HANGS
    blank = 0 if UNSPACED.match(row[-1]) else 1
    return cells.columns(row) + blank + cells.columns(following.split(" ", 1)[0]) > widest


def _joined(rows: list[str]) -> str:
    """The rows in one line, with a blank in place of each break but where the writing has none."""
    joined = rows[0] if rows else ""
    for row in rows[1:]:
        joined += row if UNSPACED.match(joined[-1]) and UNSPACED.match(row) else f" {row}"
    return joined
