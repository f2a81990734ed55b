"""Writes lines to standard output in a thread, so that neither a slow reader nor a broken one stops the process."""

import contextlib
import os
import select
import stat
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

# With the longest lines 16 MiB; usually a sixth of that.
MAX_WAITING = 4096
CLOSE_SECONDS = 5.0

_STANDARD_ERROR = 2
_COMPLAINT_SECONDS = 60.0


class LineWriter:
    """Writes each line to a file descriptor as a whole or not at all, in order. `written` and `lost` are told of each
    line, in whatever thread that happens. A line that cannot be written is lost, and the next one is tried."""

    def __init__(
        self, descriptor: int, *, written: Callable[[], None], lost: Callable[[], None], most: int = MAX_WAITING
    ) -> None:
        self._descriptor = descriptor
        self._written = written
        self._lost = lost
        self._most = most
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        # Something that does not end with a line feed may be in front of the next line.
        self._is_torn = False
        self._complained_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Has a line written soon. It is lost if too many wait, since whoever reads the others has stopped."""
        if self._lines.qsize() >= self._most:
            self._lost()
            self._complain("nobody reads standard output")
        else:
            self._lines.put(line)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Returns when all lines are written, or after `seconds`."""
        self._lines.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._complain("nobody reads standard output")

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._write(line)
            except OSError as error:
                self._lost()
                self._complain(str(error))
            else:
                self._written()

    def _write(self, line: bytes) -> None:
        """Writes a line. Raises OSError; then nothing of it is there, or what is there is no part of the next one."""
        size, done = self._size(), 0
        # Apart from each other: a pipe takes a line as a whole, and no more.
        parts = [b"\n", line] if self._is_torn else [line]
        try:
            for part in parts:
                left = part
                while left:
                    count = self._write_some(left)
                    left, done = left[count:], done + count
        except OSError:
            # Whoever shares the file may have written half a line too.
            self._is_torn = True
            if size is not None and done:
                self._take_back(size, size + done)
            raise
        self._is_torn = False

    def _write_some(self, content: bytes) -> int:
        """Writes a part of it at least; returns how many bytes. Raises OSError."""
        while True:
            try:
                return os.write(self._descriptor, content)
            except BlockingIOError:
                # Whoever shares the descriptor may have set it so.
                select.select([], [self._descriptor], [])

    def _size(self) -> int | None:
        """The bytes of the file; None for what is none. Only a file takes a part of a line: a pipe takes all of it."""
        with contextlib.suppress(OSError):
            status = os.fstat(self._descriptor)
            return status.st_size if stat.S_ISREG(status.st_mode) else None
        return None

    def _take_back(self, former: int, size: int) -> None:
        """Make a file of `size` bytes as long as it was before a line; if it has another size, somebody else has
        written, and it stays as it is."""
        with contextlib.suppress(OSError):
            if self._size() == size:
                os.ftruncate(self._descriptor, former)
                os.lseek(self._descriptor, former, os.SEEK_SET)

    def _complain(self, cause: str) -> None:
        now = time.monotonic()
        if now - self._complained_at < _COMPLAINT_SECONDS:
            return
        self._complained_at = now
        # Not by the log, which goes where the lines cannot be written.
        with contextlib.suppress(OSError):
            os.write(_STANDARD_ERROR, f"taskyard-gateway: lines of the audit log are lost: {cause}\n".encode())
