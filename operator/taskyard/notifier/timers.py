"""Timers, of which a Task has one at most."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from taskyard.watchcache.kind import Key

# The clock of the loop may be behind the one that decides.
SLACK_SECONDS = 0.01


class Timers:
    """Each calls `ring` with its Task, once."""

    def __init__(self, ring: Callable[[Key], None]) -> None:
        self._ring = ring
        self._set: dict[Key, asyncio.TimerHandle] = {}

    def set(self, task: Key, seconds: float) -> None:
        """Ring for a Task in so many seconds, and not when it was to ring before."""
        self.cancel(task)
        self._set[task] = asyncio.get_running_loop().call_later(max(seconds, 0.0) + SLACK_SECONDS, self._over, task)

    def cancel(self, task: Key) -> None:
        if timer := self._set.pop(task, None):
            timer.cancel()

    def clear(self) -> None:
        for timer in self._set.values():
            timer.cancel()
        self._set.clear()

    def _over(self, task: Key) -> None:
        del self._set[task]
        self._ring(task)
