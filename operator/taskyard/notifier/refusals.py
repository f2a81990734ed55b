"""The notifications that a receiver has refused by themselves: each waits for its own next attempt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from taskyard import backoff
from taskyard.watchcache.kind import Key


@dataclass(frozen=True)
class _Refused:
    """`until` is when it may be sent again, in seconds of the loop's clock."""

    id: str
    failures: int
    until: float


class Refusals:
    """One for each Task at most: what comes after it waits for it."""

    def __init__(self, *, first: float, longest: float, jitter: float) -> None:
        self._first = first
        self._longest = longest
        self._jitter = jitter
        self._refused: dict[Key, _Refused] = {}

    def __iter__(self) -> Iterator[Key]:
        return iter(self._refused)

    def add(self, task: Key, id_: str, *, now: float, at_least: float) -> None:
        """A notification was refused; it is not sent again for `at_least` so many seconds."""
        former = self._refused.get(task)
        failures = former.failures if former is not None and former.id == id_ else 0
        seconds = backoff.delay(failures, first=self._first, longest=self._longest, jitter=self._jitter)
        self._refused[task] = _Refused(id_, failures + 1, now + max(seconds, at_least))

    def wait(self, task: Key, id_: str, *, now: float) -> float:
        """Seconds until a notification may be sent. Another one of the Task forgets the one before."""
        refused = self._refused.get(task)
        if refused is None or refused.id != id_:
            self.forget(task)
            return 0.0
        return max(refused.until - now, 0.0)

    def forget(self, task: Key) -> None:
        """There is nothing to tell of a Task any more, or something else."""
        self._refused.pop(task, None)

    def clear(self) -> None:
        """All may be sent."""
        self._refused.clear()
