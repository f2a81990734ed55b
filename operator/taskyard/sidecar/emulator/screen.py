"""The agent's screen: pyte's terminal emulator, which also keeps the lines that scroll off the top and numbers every
line permanently. Pure.

Lines carry absolute numbers: the first line a program ever wrote is 0, and a line keeps its number when it scrolls
into the history. Only text is kept, no colours. Rows are stored by absolute number, so that scrolling moves
nothing.
"""

from collections import deque
from typing import NamedTuple

from taskyard.sidecar.emulator.canvas import Canvas
from taskyard.sidecar.emulator.pyte import Margins, charsets, modes
from taskyard.sidecar.emulator.rows import EMPTY, Line, Rows

HISTORY_LINES = 4_000
HISTORY_CHARACTERS = 1 << 18
CLOSINGS = 16

BRACKETED_PASTE = 2004 << 5
# Clusters take the same columns with and without it (cells.py); programs ask for it, and may then rely on them.
GRAPHEME_CLUSTERS = 2027 << 5
SYNCHRONIZED = 2026 << 5
MODES = {4: modes.IRM, 20: modes.LNM}
PRIVATE_MODES = {
    6: modes.DECOM,
    7: modes.DECAWM,
    2004: BRACKETED_PASTE,
    2026: SYNCHRONIZED,
    2027: GRAPHEME_CLUSTERS,
}
ALTERNATE_SCREENS = {47, 1047, 1049}


class Place(NamedTuple):
    """Where the cursor was: absolute line and column; `echo` is the text of the last line above it or left of it."""

    line: int
    column: int
    echo: str = ""


class Screen(Canvas):
    """pyte's screen without colours, with a history and an alternate screen, and robust against any input."""

    def __init__(self, columns: int, rows: int) -> None:
        self.history: deque[Line] = deque()
        self.history_characters = 0
        self.replies: list[bytes] = []
        self.clears = self.main_clears = 0
        # Where the program began to take pasted text, last, and where it ceased to: a line editor does so around the
        # time in which it reads a line.
        self.opened = Place(0, 0)
        self.closings: deque[Place] = deque(maxlen=CLOSINGS)
        self.closed = 0
        # Where the cursor was when the program went back from the alternate screen.
        self.returned = 0
        self._main: tuple[Rows, int, int] | None = None
        super().__init__(columns, rows)

    @property
    def alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return self._main is not None

    @property
    def modes(self) -> str:
        """The sequences that switch a new screen to the modes of this one, but not into a synchronized update."""
        switched = [f"\x1b[{number}{'h' if mode in self.mode else 'l'}" for number, mode in MODES.items()]
        if self.margins is not None:
            switched.append(f"\x1b[{self.margins.top + 1};{self.margins.bottom + 1}r")
        switched += [
            f"\x1b[?{number}{'h' if mode in self.mode else 'l'}"
            for number, mode in PRIVATE_MODES.items()
            if mode != SYNCHRONIZED
        ]
        return ("\x1b[?1049h" if self.alternate else "") + "".join(switched)

    # Called by the reader of escape sequences.

    def control(self, character: str) -> None:
        match character:
            case "\n" | "\v" | "\f":
                self.linefeed()
            case "\r":
                self.carriage_return()
            case "\b":
                self.backspace()
            case "\t":
                self.tab()
            case "\x0e":
                self.shift_out()
            case "\x0f":
                self.shift_in()

    def escape(self, intermediate: str, letter: str) -> None:
        match intermediate + letter:
            case "7":
                self.save_cursor()
            case "8":
                self.restore_cursor()
            case "c":
                self.reset()
            case "D":
                self.index()
            case "E":
                self.carriage_return()
                self.index()
            case "H":
                self.set_tab_stop()
            case "M":
                self.reverse_index()
            case "(0" | "(B":
                self.g0_charset = charsets.MAPS[letter]
            case ")0" | ")B":
                self.g1_charset = charsets.MAPS[letter]

    def sequence(self, private: str, numbers: list[int], final: str) -> None:
        if final in "hl" and private in ("", "?"):
            for number in numbers:
                self._switch(private, number, final == "h")
            return
        if final == "$p":
            self._report_mode(private, numbers[0])
            return
        if private and not (private == "?" and final in "JK"):
            return
        first = numbers[0]
        match final:
            case "A":
                self.cursor_up(first)
            case "B" | "e":
                self.cursor_down(first)
            case "C" | "a":
                self.cursor_forward(first)
            case "D":
                self.cursor_back(first)
            case "E":
                self.cursor_down1(first)
            case "F":
                self.cursor_up1(first)
            case "G" | "`":
                self.cursor_to_column(first)
            case "H" | "f":
                self.cursor_position(first, numbers[1] if len(numbers) > 1 else None)
            case "J" if first <= 2:
                self.erase_in_display(first)
            case "K" if first <= 2:
                self.erase_in_line(first)
            case _:
                self._edit(final, first, numbers)

    def _edit(self, final: str, first: int, numbers: list[int]) -> None:
        match final:
            case "@":
                self.insert_characters(first)
            case "L":
                self.insert_lines(first)
            case "M":
                self.delete_lines(first)
            case "P":
                self.delete_characters(first)
            case "X":
                self.erase_characters(first)
            case "S" | "T":
                self._scroll(first or 1, up=final == "S")
            case "b" if self.last:
                self.draw(self.last * min(first or 1, self.columns * 2))
            case "c" if first == 0:
                self.report_device_attributes()
            case "d":
                self._cursor_to_row(first)
            case "g":
                self.clear_tab_stop(first)
            case "n":
                self.report_device_status(first)
            case "r":
                self.set_margins(first or None, numbers[1] if len(numbers) > 1 and numbers[1] else None)
            case "s":
                self.save_cursor()
            case "u":
                self.restore_cursor()

    def _switch(self, private: str, number: int, on: bool) -> None:
        if private and number in ALTERNATE_SCREENS:
            self._alternate(on)
            return
        mode = (PRIVATE_MODES if private else MODES).get(number)
        if mode is not None:
            if mode == BRACKETED_PASTE and on != (mode in self.mode) and self._main is None:
                self._note_input(on)
            (self.mode.add if on else self.mode.discard)(mode)
            if mode == modes.DECOM:
                self.cursor_position()

    def _note_input(self, on: bool) -> None:
        y, x = self.cursor.y, self.cursor.x
        if on:
            self.opened = Place(self.buffer.top + y, x)
            return
        row = self.buffer.numbered.get(self.buffer.top + y - (x == 0))
        echo = row.line(self.columns).text if row is not None else ""
        self.closings.append(Place(self.buffer.top + y, x, echo))
        self.closed += 1
        if x == 0:
            # A line editor that reckons with other widths than this screen has left some of the line that it read here.
            self.erase_in_display(0)

    def _report_mode(self, private: str, number: int) -> None:
        """DECRQM: 1 is set, 2 reset, 0 not known."""
        if private and number in ALTERNATE_SCREENS:
            state = 2 if self._main is None else 1
        else:
            mode = (PRIVATE_MODES if private else MODES).get(number)
            state = 0 if mode is None else 1 if mode in self.mode else 2
        self.write_process_input(f"\x1b[{private}{number};{state}$y")

    # Overrides where pyte is slow, keeps too much, or differs from xterm.

    def reset(self) -> None:
        super().reset()
        self.savepoints.clear()
        self._main = None
        self._cleared()

    def index(self) -> None:
        top, bottom = self.margins or Margins(0, self.lines - 1)
        if self.cursor.y != bottom:
            self.cursor_down()
        elif top == 0 and self._main is None:
            self._scroll_off(bottom)
        else:
            super().index()

    def _scroll_off(self, bottom: int) -> None:
        """The uppermost row becomes history; rows below the scrolling region keep their place on the screen."""
        row = self.buffer.pop(0)
        self._remember(row.line(self.columns) if row is not None else EMPTY)
        self.dirty.numbers.discard(self.buffer.top)
        self.buffer.top += 1
        if bottom < self.lines - 1:
            for y in range(self.lines - 1, bottom, -1):
                self.buffer[y] = self.buffer[y - 1]
            self.buffer.pop(bottom)
            self.dirty.update(range(bottom, self.lines))

    def _remember(self, line: Line) -> None:
        self.history.append(line)
        self.history_characters += len(line.text)
        while len(self.history) > HISTORY_LINES or self.history_characters > HISTORY_CHARACTERS:
            self.history_characters -= len(self.history.popleft().text)

    def _scroll(self, count: int, *, up: bool) -> None:
        """SU and SD: moves the scrolling region's rows while the cursor stays."""
        top, bottom = self.margins or Margins(0, self.lines - 1)
        x, y = self.cursor.x, self.cursor.y
        for _ in range(min(count, bottom - top + 1)):
            self.cursor.y = bottom if up else top
            (self.index if up else self.reverse_index)()
        self.cursor.x, self.cursor.y = x, y

    def _alternate(self, on: bool) -> None:
        if on and self._main is None:
            self._main = (self.buffer, self.cursor.x, self.cursor.y)
            self.buffer = Rows(self.buffer.top)
        elif not on and self._main is not None:
            self.buffer, self.cursor.x, self.cursor.y = self._main
            self._main = None
            self.margins = None
            self.returned = self.buffer.top + self.cursor.y
        self.dirty.update(range(self.lines))

    def save_cursor(self) -> None:
        self.savepoints.clear()  # a terminal has one; pyte would stack them without limit
        super().save_cursor()

    def restore_cursor(self) -> None:
        saved = list(self.savepoints)
        super().restore_cursor()
        if saved:
            x, y = self.cursor.x, self.cursor.y
            super().save_cursor()
            self.cursor.x, self.cursor.y = x, y

    def erase_in_display(self, how: int = 0, *args: object, **kwargs: object) -> None:
        below = range(self.cursor.y + 1, self.lines) if how == 0 else range(self.cursor.y)
        self.dirty.update(self.buffer.remove(range(self.lines) if how == 2 else below))
        if how == 2:
            self._cleared()
        else:
            self.erase_in_line(how)

    def _cleared(self) -> None:
        self.clears += 1
        self.main_clears += self._main is None

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        row = self.buffer[self.cursor.y]
        row.erase(0 if how else self.cursor.x, self.cursor.x + 1 if how == 1 else None)
        if how != 1:
            row.wrapped_at = 0
        self.dirty.add(self.cursor.y)

    def _cursor_to_row(self, row: int) -> None:
        self.cursor.y = (row or 1) - 1
        if modes.DECOM in self.mode and self.margins is not None:
            self.cursor.y += self.margins.top
        self.ensure_vbounds()

    def report_device_status(self, mode: int) -> None:
        if mode == 5:
            self.write_process_input("\x1b[0n")
        elif mode == 6:
            top = self.margins.top if self.margins is not None and modes.DECOM in self.mode else 0
            self.write_process_input(f"\x1b[{self.cursor.y - top + 1};{min(self.cursor.x, self.columns - 1) + 1}R")

    def write_process_input(self, data: str) -> None:
        if len(self.replies) < 64:
            self.replies.append(data.encode())
