"""Removals of what is no longer needed, and may not be removed now: a Task goes on without them."""

from __future__ import annotations

from datetime import datetime, timedelta

from taskyard.watchcache.kind import Key

# Of those that the API server refuses. A policy that keeps objects does so for long; the log has a line for each try.
HELD = timedelta(minutes=10)
# Between those that make room in a quota, which counts what is gone some seconds later.
COUNTED = timedelta(seconds=30)


class HeldRemovals:
    """Until when nothing of a Task is removed, by its key: for as long as it `lasts`."""

    def __init__(self, lasts: timedelta = HELD) -> None:
        self._lasts = lasts
        self._until: dict[Key, datetime] = {}

    def hold(self, key: Key, *, now: datetime) -> None:
        """From now on remove nothing of this Task."""
        self._until = {known: until for known, until in self._until.items() if self._is_ahead(until, now)}
        self._until[key] = now + self._lasts

    def holds(self, key: Key, *, now: datetime) -> bool:
        """Whether nothing of this Task is to be removed now."""
        until = self._until.get(key)
        return until is not None and self._is_ahead(until, now)

    def _is_ahead(self, until: datetime, now: datetime) -> bool:
        """Whether the moment is still to come. One further away comes from a clock that was set back since."""
        return now < until <= now + self._lasts
