"""The line of a screen at which a program waits: what it asks, where it asks in words. Pure."""

from typing import NamedTuple

from taskyard.core import text_limits
from taskyard.core.text_sanitizer import one_line
from taskyard.lazypattern import pattern
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import programs
from taskyard.sidecar.screen.mark import Mark

# Rows of a long line that the terminal wrapped; rows above the cursor in which the last line is looked for.
REACH = 24
WORD = pattern(r"\w")
ASKS = pattern(r"[?:？：]$")  # noqa: RUF001 - the full-width forms


class PromptLine(NamedTuple):
    """`row` is the absolute number of the row in which the cursor's line begins, `own` what stands in that line.
    `text` is the line that says something: that one, or one above it; without controls, and short. Empty without any.
    """

    row: int
    own: str
    text: str


def at_cursor(terminal: Terminal, after: int) -> PromptLine:
    """The line where the cursor is; where it is empty, the last one above it that is below the row `after`, and where
    it is a mere sign (`>`), the question right above it. The terminal must have been refreshed.

    A program that draws on the alternate screen has its cursor anywhere: there only the last line counts.
    """
    row, own = _line(terminal, terminal.cursor[0])
    if terminal.alternate and terminal.cursor[0] < terminal.end - 1:
        return PromptLine(row, own, "")
    text = own if WORD.search(own) else ""
    if not own:
        text = _above(terminal, row, row - REACH, after)
    elif not text and ASKS.search(above := _above(terminal, row, row - 1, after)):
        text = f"{above} {own}"
    return PromptLine(row, own, text_limits.screen_line(text))


def last_row(mark: Mark, terminal: Terminal) -> int:
    """The row of the message that began the turn at `mark`: what the program asks in this turn is below it. A row
    before all others where that cannot be told.
    """
    is_same_screen = mark.lines and (mark.clears, mark.alternate) == (terminal.clears, terminal.alternate)
    return mark.cursor if is_same_screen else -1


def _line(terminal: Terminal, row: int) -> tuple[int, str]:
    """The row in which the line begins that goes through `row`, and its text, less its frame."""
    start = row
    while start > max(terminal.oldest, row - REACH) and terminal.line(start - 1).wrapped:
        start -= 1
    parts = [(line.text + " " * line.blanks) for line in terminal.lines(start, row + 1)]
    return start, one_line("".join(parts).strip(programs.FRAME))


def _above(terminal: Terminal, row: int, first: int, after: int) -> str:
    """The last line above `row`, from `first` on, that says something; none that goes up to the row `after`."""
    for number in range(row - 1, max(after, terminal.oldest - 1, first - 1), -1):
        start, text = _line(terminal, number)
        if WORD.search(text):
            return text if start > after else ""
    return ""
