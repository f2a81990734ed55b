"""How long to wait before a retry: twice as long after each failure in a row, up to a longest delay. Every retry of the
operator, the gateway and the sidecar uses it; it needs only the standard library.
"""

import random
from typing import Protocol

# How often 1.0 can be doubled before it overflows a float. One power more raises OverflowError, and a loop that retries
# through an outage of hours counts more failures than that.
_MAX_DOUBLINGS = 1023


class Chance(Protocol):
    """A source of random numbers: the module `random`, or a `random.Random`."""

    def uniform(self, a: float, b: float) -> float: ...


def delay(failures: int, *, first: float, longest: float, jitter: float = 0.0, chance: Chance = random) -> float:
    """Seconds to wait after a failure that followed `failures` others in a row; any number is allowed.

    `first` and `longest` are in seconds. `jitter`, 0 to 1, is the largest part of the delay that is randomly
    subtracted, so that callers that failed together do not retry together.
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
        """Start over after a success: the next failure counts as the first."""
        self._failures = 0
