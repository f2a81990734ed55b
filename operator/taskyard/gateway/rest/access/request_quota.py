"""How much each caller may ask for, so that one who asks for more takes nothing away from the others."""

from collections import Counter, OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from taskyard.core.tokenbucket import Rate, TokenBucket

# After which a caller with too many requests at once should ask again: nobody knows when one of them ends.
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True)
class Allowance:
    """What one caller may have: requests by `rate`, of these `at_once` at the same time, and `streams` of events, which
    last and are counted apart."""

    rate: Rate
    at_once: int
    streams: int


class RequestQuota:
    """Who asks for what now, and how much each asked for lately. Remembers the `remembered` that came last."""

    def __init__(self, allowance: Allowance, *, remembered: int) -> None:
        self._allowance = allowance
        self._remembered = remembered
        self._buckets: OrderedDict[Hashable, TokenBucket] = OrderedDict()
        self._inside: Counter[tuple[Hashable, bool]] = Counter()

    def __len__(self) -> int:
        return len(self._buckets)

    def enter(self, caller: Hashable, now: float, *, streaming: bool = False) -> float:
        """0 when the caller may go on, and then has to `leave`; else the seconds after which to ask again."""
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
        """The request that entered has been answered."""
        self._inside[caller, streaming] -= 1
        if not self._inside[caller, streaming]:
            del self._inside[caller, streaming]
