"""Runs functions at later times, on a few threads."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
import traceback
from collections.abc import Callable

THREADS = 6


class Schedule:
    """Runs functions when they are due. An exception is kept in `faults` and stops nothing else."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._ended = False
        self._busy = 0
        self.faults: list[str] = []
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]

    def __enter__(self) -> Schedule:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(15)

    def after(self, seconds: float, work: Callable[[], None]) -> None:
        """Runs `work` in `seconds`."""
        with self._changed:
            heapq.heappush(self._heap, (time.monotonic() + seconds, next(self._count), work))
            self._changed.notify()

    @property
    def done(self) -> bool:
        """Whether nothing is running or scheduled."""
        with self._changed:
            return not self._heap and not self._busy

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._ended and (not self._heap or self._heap[0][0] > time.monotonic()):
                    self._changed.wait(max(self._heap[0][0] - time.monotonic(), 0.0) if self._heap else None)
                if self._ended:
                    return
                _, _, work = heapq.heappop(self._heap)
                self._busy += 1
                if self._heap:
                    self._changed.notify()
            try:
                work()
            except Exception:
                self.faults.append(traceback.format_exc())
            with self._changed:
                self._busy -= 1
