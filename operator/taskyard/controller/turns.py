"""Turns of keys at a pace that namespaces share, by the clock of the running loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from taskyard.core.fair_line import FairLine
from taskyard.core.tokenbucket import Rate
from taskyard.watchcache.kind import Key

# Tries of what the API server has refused, or of what something else blocks: a thousand Tasks under a full quota must
# not keep others waiting. As many as are tried every four seconds at this pace are tried at once.
TRIES = Rate(per_second=20, burst=80)


class Turns:
    """Calls `come(key)` when the turn of a key has come, at most at the `rate` for all keys together."""

    def __init__(self, rate: Rate, come: Callable[[Key], None]) -> None:
        self._line = FairLine(rate)
        self._come = come
        self._timer: asyncio.TimerHandle | None = None

    def ask(self, key: Key, seconds: float = 0.0, *, turns: int = 1) -> bool:
        """Ask for so many turns of a key, from that many seconds on. A key that waits already keeps its place. Returns
        True where its turn is now: then `come` is not called for it."""
        now = asyncio.get_running_loop().time()
        self._line.join(key, at=now + max(seconds, 0.0), turns=turns)
        return self._go_on(now, asking=key)

    def leave(self, key: Key) -> None:
        """The key needs no turn any more."""
        self._line.leave(key)

    def _go_on(self, now: float, *, asking: Key | None = None) -> bool:
        taken = self._line.take(now)
        moment = self._line.next(now)
        if self._timer is not None and (moment is None or self._timer.when() != moment):
            self._timer.cancel()
            self._timer = None
        if moment is not None and self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(moment, self._fire, moment)
        for key in taken:
            if key != asking:
                self._come(key)
        return asking in taken

    def _fire(self, moment: float) -> None:
        self._timer = None
        # The loop may call a moment early, by less than its clock shows.
        self._go_on(max(moment, asyncio.get_running_loop().time()))
