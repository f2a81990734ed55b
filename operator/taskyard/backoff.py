"""How long to wait before the next try of what failed: twice as long after each failure in a row, up to a longest
delay. For whoever tries again, operator, gateway and sidecar alike; the standard library only.
"""

import random
from typing import Protocol

# As often as a float can be doubled from 1.0. One power more raises OverflowError, and a loop that goes on through an
# outage of hours counts more failures than that.
_MAX_DOUBLINGS = 1023


class Chance(Protocol):
    """What draws a number between two: the module `random`, or a `random.Random`."""

    def uniform(self, a: float, b: float) -> float: ...


def delay(failures: int, *, first: float, longest: float, jitter: float = 0.0, chance: Chance = random) -> float:
    """Seconds to wait after a failure that `failures` others came before, in a row and however many.

    `first` and `longest` are in seconds. `jitter` is the largest part of the delay, 0 to 1, that chance takes off, so
    that those who failed together do not come again together.
    """
    seconds = min(first * 2.0 ** min(failures, _MAX_DOUBLINGS), longest)
    return seconds * chance.uniform(1.0 - jitter, 1.0)


class Backoff:
    """The delays of one loop, which counts its failures in a row; the arguments are those of `delay`."""

    def __init__(self, *, first: float, longest: float, jitter: float = 0.0, chance: Chance = random) -> None:
        self._first = first
        self._longest = longest
        self._jitter = jitter
        self._chance = chance
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        failures = self._failures
        self._failures += 1
        return delay(failures, first=self._first, longest=self._longest, jitter=self._jitter, chance=self._chance)

    def reset(self) -> None:
        """What was tried has succeeded: the next failure is the first again."""
        self._failures = 0
