"""Limits a process to a share of a core, as in a Pod with a small CPU limit."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PERIOD = 0.1
"""Seconds: the kernel's own period for CPU limits."""


@contextmanager
def throttled(pid: int, share: float) -> Iterator[None]:
    """The process may run for `share` (0 to 1) of each period, whatever it has to do."""
    over = threading.Event()

    def turn() -> None:
        while not over.is_set():
            os.kill(pid, signal.SIGSTOP)
            time.sleep(PERIOD * (1 - share))
            os.kill(pid, signal.SIGCONT)
            time.sleep(PERIOD * share)

    thread = threading.Thread(target=turn, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
