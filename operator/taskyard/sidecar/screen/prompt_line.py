"""The line of a screen at which a program waits: what it asks, where it asks in words. Pure."""

from typing import NamedTuple

from taskyard.core import text_limits
from taskyard.core.text_sanitizer import one_line
from taskyard.lazypattern import pattern
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen.mark import Mark
from taskyard.sidecar.screen.question import FRAME

# Rows of a long line that the terminal wrapped; rows above the cursor in which the last line is looked for.
REACH = 24
LETTER = pattern(r"[^\W\d_]")
ASKS = pattern(r"[?:？：]$")  # noqa: RUF001 - the full-width forms


class PromptLine(NamedTuple):
    """`row` is the absolute number of the row in which the cursor's line begins, `own` what stands in it left of the
    cursor; None where its beginning is out of reach. `text` is the line that says something: that one or one above it;
    without controls, and short. Empty without any: a line without a letter says nothing.
    """

    row: int
    own: str | None
    text: str


def at_cursor(terminal: Terminal, after: int, *, alone: bool = False) -> PromptLine:
    """The line where the cursor is; where it is empty, the last one above it, and where it is a mere sign (`>`), the
    question right above it. All that is below the row `after`; `alone`: the cursor's line and no other. The terminal
    must have been refreshed.

    A program that draws on the alternate screen has its cursor anywhere: there only the last line counts.
    """
    row, own = _line(terminal, terminal.cursor[0], terminal.cursor[1])
    if own is None or row <= after or (terminal.alternate and terminal.cursor[0] < terminal.end - 1):
        return PromptLine(row, own, "")
    text = own if LETTER.search(own) else ""
    if alone or text:
        return PromptLine(row, own, text_limits.screen_line(text))
    if own:
        above = _above(terminal, row, row - 1, after)
        text = f"{above} {own}" if ASKS.search(above) else ""
    elif not _line(terminal, terminal.cursor[0])[1]:
        text = _above(terminal, row, row - REACH, after)
    return PromptLine(row, own, text_limits.screen_line(text))


def last_row(mark: Mark, terminal: Terminal) -> int:
    """The row below which there is only what was written since the turn began at `mark`, with its message in that row;
    -1 for a turn that began with the program. Where that cannot be told, no row is below the one that is returned.
    """
    if terminal.alternate:
        return terminal.top - 1 if not mark.alternate else terminal.top + terminal.rows
    if mark.lines and mark.main_clears != terminal.main_clears:
        return terminal.top - 1
    if mark.alternate:
        return terminal.top + terminal.rows
    return mark.cursor if mark.lines else -1


def _line(terminal: Terminal, row: int, column: int | None = None) -> tuple[int, str | None]:
    """The row in which the line begins that goes through `row`, and its text up to that row and column, less its frame;
    None where its beginning is out of reach.
    """
    start = row
    while start > max(terminal.oldest, row - REACH) and terminal.line(start - 1).wrapped:
        start -= 1
    if terminal.line(start - 1).wrapped or 0 < start == terminal.oldest:
        return start, None
    parts = [line.text + " " * line.blanks for line in terminal.lines(start, row)]
    parts.append(terminal.line(row).text if column is None else terminal.left_of(row, column))
    return start, one_line("".join(parts).strip(FRAME))


def _above(terminal: Terminal, row: int, first: int, after: int) -> str:
    """The last line above `row`, from `first` on, that says something; none that goes up to the row `after`."""
    number = row - 1
    while number > max(after, terminal.oldest - 1, first - 1):
        start, text = _line(terminal, number)
        if text is None or start <= after:
            return ""
        if LETTER.search(text):
            return text
        number = start - 1
    return ""
