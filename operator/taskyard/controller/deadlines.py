"""Moments of the wall clock at which keys are due: one timer for all of them.

The timers of an event loop count monotonic time, which ignores changes of the wall clock and stops while the machine
sleeps. Deadlines are moments of the wall clock, taken from the objects. So the timer that waits for the earliest
of them checks the wall clock once a minute: a deadline that a step forward (or the sleep of a machine) has passed is
found within that time, and after a step back no deadline comes early.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from taskyard.watchcache.kind import Key

LOOK_SECONDS = 60.0
# The heap is rebuilt when it has more stale entries than current ones plus this many.
MAX_STALE = 256


class Timer(Protocol):
    """What `call_later` returns."""

    def cancel(self) -> None: ...


def call_later(seconds: float, look: Callable[[], None]) -> Timer:
    """The running loop's timer."""
    return asyncio.get_running_loop().call_later(seconds, look)


class Deadlines:
    """Calls `due` with each key when its moment has come, never earlier; each key has one moment or none.

    Waiting keys cost nothing, however many: there is one timer, and at most one look at the clock a minute.
    """

    def __init__(
        self,
        due: Callable[[Key], None],
        *,
        clock: Callable[[], datetime],
        call_later: Callable[[float, Callable[[], None]], Timer] = call_later,
    ) -> None:
        self._due = due
        self._clock = clock
        self._call_later = call_later
        self._moments: dict[Key, datetime] = {}
        self._heap: list[tuple[datetime, Key]] = []
        self._timer: Timer | None = None
        # The moment that the timer waits for, perhaps in several steps.
        self._awaited: datetime | None = None

    def __len__(self) -> int:
        return len(self._moments)

    def set(self, key: Key, moment: datetime | None) -> None:
        """Make a key due at `moment`, which replaces the one set before; None: it is not due at all."""
        if self._moments.get(key) == moment:
            return
        if moment is None:
            del self._moments[key]
        else:
            self._moments[key] = moment
            heapq.heappush(self._heap, (moment, key))
        if len(self._heap) > 2 * len(self._moments) + MAX_STALE:
            self._heap = [(at, known) for known, at in self._moments.items()]
            heapq.heapify(self._heap)
        self._wait()

    def _wait(self) -> None:
        """Have the timer wait for the earliest moment."""
        while self._heap and self._moments.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        earliest = self._heap[0][0] if self._heap else None
        if earliest and self._awaited and earliest >= self._awaited:
            return  # the look may find nothing due; that is cheaper than a new timer at each change
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._awaited = None, earliest
        if earliest is not None:
            seconds = (earliest - self._clock()).total_seconds()
            self._timer = self._call_later(min(max(seconds, 0.0), LOOK_SECONDS), self._look)

    def _look(self) -> None:
        self._timer = self._awaited = None
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            moment, key = heapq.heappop(self._heap)
            if self._moments.get(key) == moment:
                del self._moments[key]
                self._due(key)
        self._wait()
