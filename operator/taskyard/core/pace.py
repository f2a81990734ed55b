"""Turns at a pace: when each of many that wait may go on, so that none has to ask again in vain."""

from __future__ import annotations

from taskyard.core.tokenbucket import Rate


class Pace:
    """Hands out turns, a burst of them at once and then so many a second. `now` is in seconds of a monotonic clock."""

    def __init__(self, rate: Rate) -> None:
        self._each = 1 / rate.per_second
        self._burst = rate.burst * self._each
        # When all turns so far were to be over at the average pace.
        self._until = 0.0

    def turn(self, now: float, number: int = 1) -> float:
        """Take so many turns, at most a burst, for good. Returns the moment from which on they may be used."""
        self._until = max(self._until, now) + number * self._each
        return max(now, self._until - self._burst)

    def due(self, now: float, number: int = 1) -> float:
        """The moment from which on so many turns could be used, if they were taken now."""
        return max(now, max(self._until, now) + number * self._each - self._burst)

    def give_back(self, number: int) -> None:
        """So many turns that were taken are not used; those who have their moment already keep it."""
        self._until -= number * self._each

    def is_idle(self, now: float) -> bool:
        """Whether it is as good as new."""
        return self._until <= now
