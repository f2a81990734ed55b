"""The agent's screen: pyte's terminal emulator, which also keeps the lines that scroll off the top and numbers every
line permanently. Pure.

Lines carry absolute numbers: the first line a program ever wrote is 0, and a line keeps its number when it scrolls
into the history. Only text is kept, no colours. Rows are stored by absolute number, so that scrolling moves
nothing.
"""

from collections import deque
from collections.abc import Iterable

import pyte
from pyte import charsets, modes
from pyte.screens import Char, Margins, wcwidth

from taskyard.sidecar.screen.rows import EMPTY, Line, Rows

HISTORY_LINES = 4_000
HISTORY_CHARACTERS = 1 << 18
CELL_CHARACTERS = 8
STUB = Char("")
ASCII = {chr(code): Char(chr(code)) for code in range(0x20, 0x7F)}

BRACKETED_PASTE = 2004 << 5
MODES = {4: modes.IRM, 20: modes.LNM}
PRIVATE_MODES = {6: modes.DECOM, 7: modes.DECAWM, 2004: BRACKETED_PASTE}
ALTERNATE_SCREENS = {47, 1047, 1049}


class Dirty:
    """Takes the rows that pyte marks as changed and keeps their absolute numbers."""

    def __init__(self, screen: "Screen") -> None:
        self._screen = screen
        self.numbers: set[int] = set()

    def add(self, y: int) -> None:
        self.numbers.add(self._screen.buffer.top + y)

    def update(self, ys: Iterable[int]) -> None:
        top = self._screen.buffer.top
        self.numbers.update(top + y for y in ys)


class Screen(pyte.Screen):
    """pyte's screen without colours, with a history and an alternate screen, and robust against any input."""

    buffer: Rows  # type: ignore[assignment]
    dirty: Dirty  # type: ignore[assignment]

    def __init__(self, columns: int, rows: int) -> None:
        self.history: deque[Line] = deque()
        self.history_characters = 0
        self.replies: list[bytes] = []
        self.clears = 0
        self._main: tuple[Rows, int, int] | None = None
        self._last = ""
        super().__init__(columns, rows)
        self.buffer = Rows()
        self.dirty = Dirty(self)

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
            case "b" if self._last:
                self.draw(self._last * min(first or 1, self.columns * 2))
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
            (self.mode.add if on else self.mode.discard)(mode)
            if mode == modes.DECOM:
                self.cursor_position()

    # Overrides where pyte is slow, keeps too much, or differs from xterm.

    def reset(self) -> None:
        super().reset()
        self.savepoints.clear()
        self._main = None
        self.clears += 1

    def draw(self, data: str) -> None:
        self._last = data[-1:]
        charset = self.g1_charset if self.charset else self.g0_charset
        if charset is not charsets.LAT1_MAP:
            data = data.translate(charset)
        if data.isascii() and modes.IRM not in self.mode:
            self._draw_ascii(data)
        else:
            for character in data:
                self._draw_one(character)
        self.dirty.add(self.cursor.y)

    def _draw_ascii(self, data: str) -> None:
        start = 0
        while start < len(data):
            self._wrap()
            x = self.cursor.x
            piece = data[start : start + self.columns - x]
            self.buffer[self.cursor.y].write(x, [ASCII[character] for character in piece])
            self.cursor.x = x + len(piece)
            start += len(piece)

    def _draw_one(self, character: str) -> None:
        width = wcwidth(character)
        if width <= 0 or width > self.columns:
            self._combine(character)
            return
        if self.cursor.x + width > self.columns:
            self.cursor.x = self.columns
        self._wrap(width)
        if modes.IRM in self.mode:
            self.insert_characters(width)
        row = self.buffer[self.cursor.y]
        row[self.cursor.x] = Char(character)
        if width == 2:
            row[self.cursor.x + 1] = STUB
            row.wide = True
        self.cursor.x += width

    def _wrap(self, width: int = 1) -> None:
        """Goes to the next row when the last column is written, or stays there when the program turned wrapping off."""
        if self.cursor.x < self.columns:
            return
        if modes.DECAWM in self.mode:
            self.buffer[self.cursor.y].wrapped = True
            self.dirty.add(self.cursor.y)
            self.carriage_return()
            self.index()
        else:
            self.cursor.x = max(0, self.columns - width)

    def _combine(self, character: str) -> None:
        """Accents, joiners and variation selectors belong to the character before; a flood of them is cut."""
        row = self.buffer[self.cursor.y]
        x = self.cursor.x - 1
        while x > 0 and not row[x].data:
            x -= 1
        if x >= 0 and x in row and len(row[x].data) < CELL_CHARACTERS and wcwidth(character) == 0:
            row[x] = Char(row[x].data + character)

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
        rows = range(self.lines) if how == 2 else below
        for y in rows:
            self.buffer.pop(y)
        self.dirty.update(rows)
        if how == 2:
            self.clears += 1
        else:
            self.erase_in_line(how)

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        row = self.buffer[self.cursor.y]
        row.erase(0 if how else self.cursor.x, self.cursor.x + 1 if how == 1 else None)
        if how != 1:
            row.wrapped = False
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
