"""Token buckets: how often something may happen."""

from __future__ import annotations

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
        """Take one token; only after `wait` returned 0."""
        self._tokens -= 1
