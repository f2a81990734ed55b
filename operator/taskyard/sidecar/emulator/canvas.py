"""What a program writes, drawn into the screen's rows: grapheme clusters in cells, wrapped at the last column. Pure."""

from collections.abc import Iterable

from taskyard.sidecar.emulator import cells, pyte
from taskyard.sidecar.emulator.cells import STUB
from taskyard.sidecar.emulator.pyte import Char, charsets, modes
from taskyard.sidecar.emulator.rows import Rows


class Dirty:
    """Takes the rows that pyte marks as changed and keeps their absolute numbers."""

    def __init__(self, screen: "Canvas") -> None:
        self._screen = screen
        self.numbers: set[int] = set()

    def add(self, y: int) -> None:
        self.numbers.add(self._screen.buffer.top + y)

    def update(self, ys: Iterable[int]) -> None:
        top = self._screen.buffer.top
        self.numbers.update(top + y for y in ys)


class Canvas(pyte.Screen):
    """pyte's screen with rows by absolute number, on which text is drawn by cluster. `last` is the newest cluster."""

    buffer: Rows  # type: ignore[assignment]
    dirty: Dirty  # type: ignore[assignment]

    def __init__(self, columns: int, rows: int) -> None:
        self.last = ""
        super().__init__(columns, rows)
        self.buffer = Rows()
        self.dirty = Dirty(self)

    def draw(self, data: str) -> None:
        charset = self.g1_charset if self.charset else self.g0_charset
        if charset is not charsets.LAT1_MAP:
            data = data.translate(charset)
        if data.isascii() and modes.IRM not in self.mode:
            self.last = data[-1:]
            self._draw_narrow(data)
        else:
            self._draw_clusters(data)
        self.dirty.add(self.cursor.y)

    def _draw_narrow(self, narrow: str | list[Char]) -> None:
        """Cells of one column each; text is ASCII."""
        x = self.cursor.x
        if x + len(narrow) <= self.columns:
            if narrow:
                self.buffer[self.cursor.y].write(x, narrow)
                self.cursor.x = x + len(narrow)
            return
        start = 0
        while start < len(narrow):
            self._wrap()
            x = self.cursor.x
            piece = narrow[start : start + self.columns - x]
            self.buffer[self.cursor.y].write(x, piece)
            self.cursor.x = x + len(piece)
            start += len(piece)

    def _draw_clusters(self, data: str) -> None:
        narrow: list[Char] = []
        for cluster in cells.clusters(self._reopened(data)):
            width = min(cells.width(cluster), self.columns)
            if width:
                self.last = cluster
            if width == 1 and modes.IRM not in self.mode:
                narrow.append(cells.cell(cluster))
                continue
            if narrow:
                self._draw_narrow(narrow)
                narrow = []
            if width == 0:
                self._attach(cluster)
            else:
                self._draw_one(cluster, width)
        self._draw_narrow(narrow)

    def _reopened(self, data: str) -> str:
        """The text, with the cluster before the cursor when the text continues it: that cell is then drawn anew."""
        x = self._before_cursor()
        if data.isascii() or x is None:
            return data
        row = self.buffer[self.cursor.y]
        before = row[x].data
        if not cells.continues(before, data):
            return data
        if modes.IRM in self.mode:
            width = self.cursor.x - x
            self.cursor.x = x
            self.delete_characters(width)
        else:
            leading = row.leading
            row.erase(x, self.cursor.x)
            row.leading, self.cursor.x = leading, x
        return before + data

    def _draw_one(self, cluster: str, width: int) -> None:
        if self.cursor.x + width > self.columns > self.cursor.x:
            if modes.DECAWM in self.mode:
                row = self.buffer[self.cursor.y]
                row.erase(self.cursor.x)
                row.wrapped_at = self.cursor.x
            self.cursor.x = self.columns
        self._wrap(width)
        if modes.IRM in self.mode:
            self.insert_characters(width)
        row = self.buffer[self.cursor.y]
        if width == 2:
            row.write(self.cursor.x, [cells.cell(cluster), STUB])
            row.wide = True
        else:
            row.write(self.cursor.x, [cells.cell(cluster)])
        self.cursor.x += width

    def _wrap(self, width: int = 1) -> None:
        """Goes to the next row when the last column is written, or stays there when the program turned wrapping off."""
        if self.cursor.x < self.columns:
            return
        if modes.DECAWM in self.mode:
            row = self.buffer[self.cursor.y]
            row.wrapped_at = self.columns if len(row) == self.columns else row.wrapped_at or self.columns
            self.dirty.add(self.cursor.y)
            self.carriage_return()
            self.index()
        else:
            self.cursor.x = max(0, self.columns - width)

    def _before_cursor(self) -> int | None:
        """The column of the cell left of the cursor, if that was written to."""
        row = self.buffer[self.cursor.y]
        x = self.cursor.x - 1
        if x > 0 and not row[x].data:
            x -= 1
        return x if x >= 0 and x in row and row[x].data else None

    def _attach(self, cluster: str) -> None:
        """What takes no column belongs to the cell before (a joiner, a direction mark, a lone accent), or stands before
        the whole row; a flood of it is cut.
        """
        row = self.buffer[self.cursor.y]
        x = self._before_cursor()
        if x is not None:
            row[x] = cells.cell(row[x].data + cluster)
        elif self.cursor.x == 0:
            row.leading = (cluster if 0 in row else row.leading + cluster)[: cells.CELL_CHARACTERS]
        else:
            row[self.cursor.x - 1] = cells.cell(" " + cluster)
