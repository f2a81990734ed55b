"""Removals that the API server refuses, of what is no longer needed: a Task goes on without them."""

from __future__ import annotations

from datetime import datetime, timedelta

from taskyard.watchcache.kind import Key

# A policy that keeps objects does so for long; the log has a line for each try.
HELD = timedelta(minutes=10)


class HeldRemovals:
    """Until when nothing of a Task is removed, by its key."""

    def __init__(self) -> None:
        self._until: dict[Key, datetime] = {}

    def hold(self, key: Key, *, now: datetime) -> None:
        """Something of this Task was refused to be removed: try nothing of it for ten minutes."""
        self._until = {known: until for known, until in self._until.items() if is_ahead(until, now)}
        self._until[key] = now + HELD

    def holds(self, key: Key, *, now: datetime) -> bool:
        """Whether nothing of this Task is to be removed now."""
        until = self._until.get(key)
        return until is not None and is_ahead(until, now)


def is_ahead(until: datetime, now: datetime) -> bool:
    """Whether the moment is still to come. One further away comes from a clock that was set back since."""
    return now < until <= now + HELD
