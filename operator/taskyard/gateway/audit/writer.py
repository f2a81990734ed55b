"""Writes lines to standard output in a thread, so that neither a slow reader nor a broken one stops the process."""

import contextlib
import os
import select
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
    """Writes each line to a file descriptor in one piece, in order. `written` and `lost` are told of each line, in
    whatever thread that happens."""

    def __init__(
        self, descriptor: int, *, written: Callable[[], None], lost: Callable[[], None], most: int = MAX_WAITING
    ) -> None:
        self._descriptor = descriptor
        self._written = written
        self._lost = lost
        self._most = most
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
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
        while line:
            try:
                line = line[os.write(self._descriptor, line) :]
            except BlockingIOError:
                # Whoever shares the descriptor may have set it so.
                select.select([], [self._descriptor], [])

    def _complain(self, cause: str) -> None:
        now = time.monotonic()
        if now - self._complained_at < _COMPLAINT_SECONDS:
            return
        self._complained_at = now
        # Not by the log, which goes where the lines cannot be written.
        with contextlib.suppress(OSError):
            os.write(_STANDARD_ERROR, f"taskyard-gateway: lines of the audit log are lost: {cause}\n".encode())
