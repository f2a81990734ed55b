"""The rows of a screen in the form that pyte expects, stored by absolute line number. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyte.screens import Char, wcwidth

BLANK = Char(" ")


@dataclass(frozen=True, slots=True)
class Line:
    """One row as text, without trailing blanks. `wrapped`: the program went on into the next row without a newline."""

    text: str = ""
    wrapped: bool = False


EMPTY = Line()


class Row:
    """The mapping that pyte expects for a row, column → cell; a cell that was not written to is blank.

    It is stored as a list: a screen of a thousand full rows takes one megabyte, with dictionaries five.
    """

    __slots__ = ("_cells", "wide", "wrapped")

    def __init__(self) -> None:
        self._cells: list[Char] = []
        self.wrapped = False
        self.wide = False

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self._cells)))

    def __contains__(self, x: int) -> bool:
        return 0 <= x < len(self._cells)

    def __getitem__(self, x: int) -> Char:
        return self._cells[x] if x < len(self._cells) else BLANK

    def __setitem__(self, x: int, cell: Char) -> None:
        self.write(x, [cell])

    def __delitem__(self, x: int) -> None:
        self.pop(x, BLANK)

    def pop(self, x: int, default: Char | None = None) -> Char | None:
        """The cell, which is blank afterwards; the default beyond the last one."""
        if x not in self:
            return default
        cell, self._cells[x] = self._cells[x], BLANK
        if x == len(self._cells) - 1:
            del self._cells[x]
        return cell

    def write(self, x: int, cells: list[Char]) -> None:
        """Writes cells from column `x` on."""
        if x > len(self._cells):
            self._cells += [BLANK] * (x - len(self._cells))
        self._cells[x : x + len(cells)] = cells

    def erase(self, start: int, end: int | None = None) -> None:
        """Blanks columns start ≤ x < end, or all from there on."""
        if end is None or end >= len(self._cells):
            del self._cells[start:]
        else:
            self._cells[start:end] = [BLANK] * (end - start)

    def line(self, columns: int) -> Line:
        if not self._cells:
            return EMPTY
        cells = [cell.data for cell in self._cells[:columns]]
        return Line("".join(_whole(cells) if self.wide else cells).rstrip(), self.wrapped)


def _whole(cells: list[str]) -> list[str]:
    """The cells of a row with wide characters, each of which is followed by an empty cell. When one half of such a
    character was overwritten, the other half becomes a blank.
    """
    whole = list(cells)
    for x, data in enumerate(cells):
        if not data:
            if x == 0 or wcwidth(cells[x - 1][:1] or "-") != 2:
                whole[x] = " "
        elif not data.isascii() and wcwidth(data[0]) == 2 and x + 1 < len(cells) and cells[x + 1]:
            whole[x] = " "
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

    def clear(self) -> None:
        self.numbered.clear()

    def values(self) -> Iterable[Row]:
        return self.numbered.values()
