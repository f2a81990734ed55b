"""Token buckets: how often the gateway asks the API server to review a token.

Whatever shares a Pod with a sidecar can call the gateway with made-up tokens, and each of them costs a TokenReview.
So every caller's address has a small bucket, and all of them together a larger one: a flood from one Pod takes nothing
away from the others.
"""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """`per_second` on average, `burst` at once."""

    per_second: float
    burst: int


class TokenBucket:
    """One bucket, full at first. `now` is in seconds of a monotonic clock."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._filled_at = now

    def wait(self, now: float) -> float:
        """Seconds until a token can be taken; 0 when one can be taken now."""
        elapsed = max(0.0, now - self._filled_at)
        self._tokens = min(self._rate.burst, self._tokens + elapsed * self._rate.per_second)
        self._filled_at = max(self._filled_at, now)
        return 0.0 if self._tokens >= 1 else (1 - self._tokens) / self._rate.per_second

    def take(self) -> None:
        """Take one token; only after `wait` answered 0."""
        self._tokens -= 1


class ReviewLimit:
    """One bucket a caller and one for all. Remembers the callers that came last, so memory is bounded."""

    def __init__(self, *, each: Rate, all_together: Rate, callers: int, now: float) -> None:
        self._each = each
        self._all = TokenBucket(all_together, now)
        self._callers = callers
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, caller: str, now: float) -> float:
        """0 when the caller may go on, else the seconds after which to ask again (then nothing was taken)."""
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = TokenBucket(self._each, now)
            if len(self._buckets) > self._callers:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(caller)
        wait = bucket.wait(now) or self._all.wait(now)
        if not wait:
            bucket.take()
            self._all.take()
        return wait
