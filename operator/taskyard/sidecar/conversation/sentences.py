"""The last sentence of an answer that a known program laid out for its screen: in frames, with marks, wrapped. Pure."""

import re

# Box drawing, block elements and blanks; the marks with which programs begin what an agent says.
FRAME = re.compile(r"^[\s─-▟]+|[\s─-▟]+$")
MARK = re.compile(r"^[●•✦■✕ℹ⏺] +")  # noqa: RUF001
ITEM = re.compile(r"^(?:[-*•●✦■✕ℹ⏺]|\d{1,3}[.)]) ")  # noqa: RUF001
# A sentence ends at its mark before a blank and no lower-case letter ("e.g. this" goes on), in Chinese and Japanese at
# once.
SENTENCE_END = re.compile(
    r"(?<=[^\W\d_][.!?])[\"'”’)\]]*\s+(?=[^\sa-z])|(?<=[\"'”’)\]`][.!?])\s+(?=[^\sa-z])|(?<=[。！？])(?=.)"  # noqa: RUF001
)
# The part of a screen's width that the longest line of a wrapped text has at least.
WRAPPED = 0.6


def last_sentence(text: str, columns: int) -> str:
    """The last sentence of an answer on a screen of that many columns, in one line, without frames and marks; empty
    when there is none. Rows that the program wrapped are joined again: those that the next word did not fit into.
    """
    rows = [row.rstrip() for row in text.split("\n")]
    widest = max(map(len, rows))
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
    joined = MARK.sub("", " ".join(reversed(paragraph)))
    sentences = [sentence for sentence in SENTENCE_END.split(joined) if sentence and sentence.strip()]
    return sentences[-1].strip() if sentences else ""


def _goes_on(row: str, following: str, widest: int) -> bool:
    """Whether the program may have wrapped the row, so that its text goes on in the following one."""
    return not ITEM.match(following) and len(row) + 1 + len(following.split(" ", 1)[0]) > widest
