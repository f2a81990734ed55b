"""Which Tasks to look at while a receiver takes nothing, since what they have to tell may have waited for too long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from taskyard.notifier.timers import Timers
from taskyard.watchcache.kind import Key


class Overdue:
    """Each Task is looked at once when the receiver begins to fail, at each news of it, and when its time has come:
    between, a dead receiver costs nothing, however many wait for it. `stirred` is set when there is one to look at."""

    def __init__(self, stirred: asyncio.Event) -> None:
        self._stirred = stirred
        self._timers = Timers(self.add)
        self._unseen: dict[Key, None] = {}
        self._fails = False

    def begin(self, tasks: Iterable[Key]) -> None:
        """The receiver takes nothing; these Tasks wait for it."""
        if not self._fails:
            self._fails = True
            for task in tasks:
                self.add(task)

    def end(self) -> None:
        """The receiver has answered: nothing is given up that was not tried."""
        self._fails = False
        self._timers.clear()
        self._unseen.clear()

    def add(self, task: Key) -> None:
        """There may be news of a Task, or its time has come."""
        if self._fails:
            self._timers.cancel(task)
            self._unseen.setdefault(task)
            self._stirred.set()

    def later(self, task: Key, seconds: float) -> None:
        """Look at a Task again."""
        self._timers.set(task, seconds)

    def pop(self) -> Key | None:
        """The next one to look at; None when there is none."""
        if not self._unseen:
            return None
        task = next(iter(self._unseen))
        del self._unseen[task]
        return task
