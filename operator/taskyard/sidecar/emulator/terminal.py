"""The agent's terminal: bytes of its output in, lines of text out. Pure."""

from collections.abc import Iterator

from taskyard.sidecar.emulator.escapes import Reader
from taskyard.sidecar.emulator.rows import EMPTY, Line
from taskyard.sidecar.emulator.screen import BRACKETED_PASTE, SYNCHRONIZED, Place, Screen


class Terminal:
    """Feed it the program's output, read its lines.

    `version` increases when `refresh` sees that some text changed; `changed` is the first line that had changed then;
    `cursor` is (absolute line, column).
    """

    def __init__(self, columns: int, rows: int) -> None:
        self._screen = Screen(columns, rows)
        self._reader = Reader(self._screen)
        self._lines: dict[int, Line] = {}
        self._top = 0
        self._last: int | None = None
        self.version = 0
        self.changed = 0

    @property
    def columns(self) -> int:
        return self._screen.columns

    @property
    def rows(self) -> int:
        return self._screen.lines

    @property
    def top(self) -> int:
        """Absolute number of the screen's first line."""
        return self._screen.buffer.top

    @property
    def oldest(self) -> int:
        """Absolute number of the oldest line that is still known."""
        return self.top - len(self._screen.history)

    @property
    def cursor(self) -> tuple[int, int]:
        return self.top + self._screen.cursor.y, self._screen.cursor.x

    @property
    def bracketed_paste(self) -> bool:
        return BRACKETED_PASTE in self._screen.mode

    @property
    def modes(self) -> str:
        """What a program would have to print for a new terminal to have the modes of this one."""
        return self._screen.modes

    @property
    def before_cursor(self) -> str:
        """The text of the cursor's line left of the cursor."""
        return self.left_of(*self.cursor)

    def left_of(self, number: int, column: int) -> str:
        """The text of one of the screen's lines before that column, without trailing blanks."""
        row = self._screen.buffer.numbered.get(number)
        return row.text(column) if row is not None else ""

    @property
    def returned(self) -> int:
        """The line of the cursor when the program went back from the alternate screen, the last time."""
        return self._screen.returned

    @property
    def opened(self) -> Place:
        """Where the program began to take pasted text the last time: for most line editors, where the prompt begins."""
        return self._screen.opened

    @property
    def closed(self) -> int:
        """How often the program ceased to take pasted text."""
        return self._screen.closed

    def closing(self, number: int) -> Place | None:
        """Where it ceased to for the time of that number, from 0; None if it has not, or too many times since."""
        index = number - self._screen.closed + len(self._screen.closings)
        return self._screen.closings[index] if 0 <= index < len(self._screen.closings) else None

    @property
    def alternate(self) -> bool:
        """Whether the program has the whole screen for itself: nothing that scrolls off goes into the history."""
        return self._screen.alternate

    @property
    def drawing(self) -> bool:
        """Whether the program is in the middle of a synchronized update: a part of the screen is old, a part new."""
        return SYNCHRONIZED in self._screen.mode

    @property
    def clears(self) -> int:
        """How often the program erased the whole screen."""
        return self._screen.clears

    @property
    def main_clears(self) -> int:
        """The same, while it was not on the alternate screen."""
        return self._screen.main_clears

    def feed(self, data: bytes) -> None:
        self._reader.feed(data)

    def take_replies(self) -> bytes:
        """A terminal's replies to the program's queries (cursor position, identity) since the last call."""
        replies = b"".join(self._screen.replies)
        self._screen.replies.clear()
        return replies

    def refresh(self) -> bool:
        """Renders the lines that were written to. True when some text has changed since the last call."""
        changed = [self._top] if self.top != self._top else []
        for number in range(self._top, self.top):
            self._lines.pop(number, None)
        self._top = self.top
        dirty = self._screen.dirty.numbers
        for number in dirty:
            if number < self._top:
                continue
            row = self._screen.buffer.numbered.get(number)
            line = row.line(self._screen.columns) if row is not None else EMPTY
            if line != self._lines.get(number, EMPTY):
                changed.append(number)
                if line != EMPTY:
                    self._lines[number] = line
                else:
                    self._lines.pop(number, None)
        dirty.clear()
        if changed:
            self._last = self._last_with_text(changed)
            self.version += 1
            self.changed = min(changed)
        return bool(changed)

    def _last_with_text(self, changed: list[int]) -> int | None:
        """The last line with text; all lines are looked through only when the one before has lost its text."""
        newest = max((number for number in changed if self._has_text(number)), default=None)
        if self._last is None or (newest is not None and newest > self._last):
            return newest
        if self._has_text(self._last):
            return self._last
        return max(filter(self._has_text, self._lines), default=None)

    def _has_text(self, number: int) -> bool:
        return bool(self._lines.get(number, EMPTY).text)

    @property
    def end(self) -> int:
        """One past the last line with text (as of the last refresh)."""
        if self._last is not None:
            return self._last + 1
        for back, line in enumerate(reversed(self._screen.history)):
            if line.text:
                return self.top - back
        return self.oldest

    def line(self, number: int) -> Line:
        """The line of that absolute number, empty when it is not known (any more)."""
        if number >= self._top:
            return self._lines.get(number, EMPTY)
        index = number - self.oldest
        return self._screen.history[index] if 0 <= index < len(self._screen.history) else EMPTY

    def lines(self, start: int, end: int) -> Iterator[Line]:
        """Lines start ≤ number < end; what is older than the history is left out."""
        for number in range(max(start, self.oldest), end):
            yield self.line(number)

    def text(self) -> str:
        """The screen as it is shown, without trailing blank rows."""
        return "\n".join(line.text for line in self.lines(self.top, max(self.end, self.top)))
