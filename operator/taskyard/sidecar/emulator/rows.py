"""The rows of a screen in the form that pyte expects, stored by absolute line number. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from taskyard.sidecar.emulator import cells
from taskyard.sidecar.emulator.cells import ASCII, BLANK
from taskyard.sidecar.emulator.pyte import Char


@dataclass(frozen=True, slots=True)
class Line:
    """One row as text, without trailing blanks. `wrapped`: the program went on into the next row without a newline,
    after that many `blanks`.
    """

    text: str = ""
    wrapped: bool = False
    blanks: int = 0


EMPTY = Line()


class Row:
    """The mapping that pyte expects for a row, column → cell; a cell that was not written to is blank.

    `_cells` is text, one character for each cell, as long as all of it is ASCII, and a list from then on: a screen of a
    thousand full rows takes 0.2 MB as text, one as lists, five as dictionaries.
    `wrapped_at`: the column after which the program went on into the next row; 0 when it did not. `wide`: there may be
    wide clusters. `leading`: what takes no column and stands before the first cell (a direction mark, a joiner).
    """

    __slots__ = ("_cells", "leading", "wide", "wrapped_at")

    def __init__(self) -> None:
        self._cells: str | list[Char] = ""
        self.wrapped_at = 0
        self.wide = False
        self.leading = ""

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self._cells)))

    def __contains__(self, x: int) -> bool:
        return 0 <= x < len(self._cells)

    def __getitem__(self, x: int) -> Char:
        if x >= len(self._cells):
            return BLANK
        cell = self._cells[x]
        return ASCII[cell] if isinstance(cell, str) else cell

    def __setitem__(self, x: int, cell: Char) -> None:
        self.write(x, [cell])

    def __delitem__(self, x: int) -> None:
        self.pop(x, BLANK)

    def pop(self, x: int, default: Char | None = None) -> Char | None:
        """The cell, which is blank afterwards; the default beyond the last one."""
        if x not in self:
            return default
        cell = self[x]
        self.erase(x, x + 1)
        return cell

    def write(self, x: int, written: str | list[Char]) -> None:
        """Writes cells from column `x` on; text is ASCII, with one character for each cell."""
        end = x + len(written)
        if isinstance(written, str) and isinstance(self._cells, str):
            self._cells = self._cells[:x].ljust(x) + written + self._cells[end:]
            return
        row = self._opened()
        if x > len(row):
            row += [BLANK] * (x - len(row))
        row[x:end] = _opened(written)

    def erase(self, start: int, end: int | None = None) -> None:
        """Blanks columns start ≤ x < end, or all from there on."""
        if start == 0:
            self.leading = ""
        if end is None or end >= len(self._cells):
            self._cells = self._cells[:start] or ""
        else:
            self.write(start, " " * (end - start))

    def _opened(self) -> list[Char]:
        self._cells = _opened(self._cells)
        return self._cells

    def line(self, columns: int) -> Line:
        if not self._cells and not self.leading:
            return EMPTY
        text = self.leading + self._text(columns)
        if not self.wrapped_at:
            return Line(text.rstrip())
        kept = text.rstrip(" ")
        return Line(kept, True, len(text) - len(kept) + max(0, self.wrapped_at - len(self._cells)))

    def text(self, end: int) -> str:
        """The columns before `end`, without trailing blanks."""
        return (self.leading + self._text(end)).rstrip()

    def _text(self, end: int) -> str:
        if isinstance(self._cells, str):
            return self._cells[:end]
        texts = [cell.data for cell in self._cells[:end]]
        return "".join(_whole(texts) if self.wide else texts)


def _opened(written: str | list[Char]) -> list[Char]:
    return [ASCII[character] for character in written] if isinstance(written, str) else written


def _whole(texts: list[str]) -> list[str]:
    """The cells of a row with wide clusters, each of which is followed by an empty cell. When one half of such a
    cluster was overwritten, the other half becomes a blank, unless it is one that programs do not agree on.
    """
    whole = list(texts)
    for x, text in enumerate(texts):
        if not text:
            if x == 0 or cells.width(texts[x - 1]) != 2:
                whole[x] = " "
        elif not text.isascii() and cells.width(text) == 2 and x + 1 < len(texts) and texts[x + 1]:
            whole[x] = text if cells.keeps_when_halved(text) else " "
    return whole


class Rows:
    """The mapping that pyte expects for its buffer, row on the screen → Row; stored by absolute number."""

    def __init__(self, top: int = 0) -> None:
        self.top = top
        self.numbered: dict[int, Row] = {}

    def __getitem__(self, y: int) -> Row:
        row = self.numbered.get(self.top + y)
        if row is None:
            row = self.numbered[self.top + y] = Row()
        return row

    def __setitem__(self, y: int, row: Row) -> None:
        self.numbered[self.top + y] = row

    def __contains__(self, y: int) -> bool:
        return self.top + y in self.numbered

    def pop(self, y: int, default: Row | None = None) -> Row | None:
        return self.numbered.pop(self.top + y, default)

    def remove(self, ys: range) -> list[int]:
        """Removes these rows; returns those that were there. Most of a tall screen was never written to."""
        present = [y for number in self.numbered if (y := number - self.top) in ys]
        for y in present:
            self.pop(y)
        return present

    def clear(self) -> None:
        self.numbered.clear()

    def values(self) -> Iterable[Row]:
        return self.numbered.values()
