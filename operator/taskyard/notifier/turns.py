"""A sink's turns at its pace: `spec.maxPerMinute`."""

from __future__ import annotations

import asyncio

from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.pace import Pace
from taskyard.core.tokenbucket import Rate

BURST = 10


class Turns:
    """The pace of one sink, which may change."""

    def __init__(self, sink: SinkView) -> None:
        self._pace = _pace(sink)
        self._per_minute = sink.max_per_minute
        self._has_turn = False

    async def wait(self, sink: SinkView) -> None:
        """Wait for a turn."""
        if sink.max_per_minute != self._per_minute:
            self._per_minute = sink.max_per_minute
            self._pace = _pace(sink)
        if self._has_turn:
            self._has_turn = False
            return
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(max(self._pace.turn(now) - now, 0.0))

    def keep(self) -> None:
        """The turn that was waited for is not needed now: the next one gets it."""
        self._has_turn = True


def _pace(sink: SinkView) -> Pace:
    return Pace(Rate(per_second=sink.max_per_minute / 60, burst=min(BURST, sink.max_per_minute)))
