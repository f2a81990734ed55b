"""Watches the memory of processes, and ends one before it takes the machine down."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from bench import usage

LOOK_SECONDS = 0.1
# Beyond any goal: to let a process grow further would tell nothing more.
CEILING_MB = 3000.0


class MemoryGuard:
    """While entered, keeps the largest resident memory of each process, given by name and process id; `peaks` are in
    MB (2^20 bytes). A process above CEILING_MB is killed, and its name is in `killed`."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self.processes = dict(processes)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peaks = dict.fromkeys(processes, 0.0)
        self.killed: set[str] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        for name, pid in self.processes.items():
            try:
                self.peaks[name] = max(self.peaks[name], usage.peak(pid))
                if self.peaks[name] > CEILING_MB and name not in self.killed:
                    self.killed.add(name)
                    os.kill(pid, signal.SIGKILL)
            except (OSError, StopIteration):
                continue  # it has ended; a process that is not yet waited for has no memory
