"""A loop whose clock moves on where it would wait: hours pass in no time. For what waits for nothing from outside."""

from __future__ import annotations

import asyncio
import itertools
import selectors
from collections.abc import Coroutine, Iterable
from typing import Any


class _NoWaiting(selectors.DefaultSelector):
    """Where a loop would wait it moves its clock on."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nobody will ever go on"
            self.now += timeout
        return ready


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _NoWaiting()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def in_no_time(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(work)


def now() -> float:
    """The running loop's time in seconds."""
    return asyncio.get_running_loop().time()


def gaps(moments: Iterable[float]) -> list[float]:
    """Seconds from each moment to the next."""
    return [later - earlier for earlier, later in itertools.pairwise(moments)]
