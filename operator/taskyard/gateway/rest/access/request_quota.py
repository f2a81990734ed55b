"""Limits the requests of each caller, so that one who sends too many takes nothing away from the others."""

from collections import Counter, OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from taskyard.core.tokenbucket import Rate, TokenBucket

# When a caller with too many concurrent requests should retry: nobody knows when one of them ends.
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Allowance:
    """The limits of one caller: requests by `rate`, `at_once` concurrent requests, and `streams` of events, which are
    counted apart because they last."""

    rate: Rate
    at_once: int
    streams: int


class RequestQuota:
    """Counts the current and recent requests of each caller. Remembers the `remembered` most recent callers."""

    def __init__(self, allowance: Allowance, *, remembered: int) -> None:
        self._allowance = allowance
        self._remembered = remembered
        self._buckets: OrderedDict[Hashable, TokenBucket] = OrderedDict()
        self._inside: Counter[tuple[Hashable, bool]] = Counter()

    def __len__(self) -> int:
        return len(self._buckets)

    def enter(self, caller: Hashable, now: float, *, streaming: bool = False) -> float:
        """Admit a request: 0 if the caller may proceed, who then has to `leave`; else the seconds after which to
        retry."""
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = TokenBucket(self._allowance.rate, now)
            if len(self._buckets) > self._remembered:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(caller)
        most = self._allowance.streams if streaming else self._allowance.at_once
        if self._inside[caller, streaming] >= most:
            return _AGAIN_SECONDS
        wait = bucket.wait(now)
        if not wait:
            bucket.take()
            self._inside[caller, streaming] += 1
        return wait

    def leave(self, caller: Hashable, *, streaming: bool = False) -> None:
        """A request that was admitted has been answered."""
        self._inside[caller, streaming] -= 1
        if not self._inside[caller, streaming]:
            del self._inside[caller, streaming]
