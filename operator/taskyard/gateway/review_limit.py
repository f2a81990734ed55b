"""Limits how often the gateway asks the API server to review a token.

Any program that shares a Pod with a sidecar can call the gateway with made-up tokens, each of which costs a
TokenReview. So each caller's address has a small token bucket, and all of them share a larger one: a flood from one Pod
takes nothing away from the others.
"""

from collections import OrderedDict

from taskyard.core.tokenbucket import Rate, TokenBucket


class ReviewLimit:
    """One bucket for each caller and one for all. Remembers the most recent `callers`, so memory is bounded."""

    def __init__(self, *, each: Rate, all_together: Rate, callers: int, now: float) -> None:
        self._each = each
        self._all = TokenBucket(all_together, now)
        self._callers = callers
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def take_from_all(self, now: float) -> float:
        """Like `take`, for a token that was valid before: only the bucket that all callers share limits it."""
        wait = self._all.wait(now)
        if not wait:
            self._all.take()
        return wait

    def take(self, caller: str, now: float) -> float:
        """0 if the caller may proceed, else the seconds after which to retry (then nothing was taken)."""
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
