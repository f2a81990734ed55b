"""Answers that are remembered for a while, so that they are not asked for again."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """At most `most` answers, each for `seconds`. Of callers that want the same at the same time one asks, and the
    others wait for its answer."""

    def __init__(self, *, seconds: float, most: int, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most = most
        self._monotonic = monotonic
        self._known: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._asking: dict[K, asyncio.Task[V]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def last(self, key: K) -> V | None:
        """The last answer for a key that is still known, however old; None without one."""
        known = self._known.get(key)
        return None if known is None else known[1]

    def fresh(self, key: K) -> V | None:
        """The answer for a key as `get` would give it without asking; None without one."""
        known = self._known.get(key)
        return known[1] if known is not None and self._monotonic() < known[0] else None

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """The answer for a key. What `ask` raises goes to all who wait, and is not remembered."""
        known = self._known.get(key)
        if known is not None and self._monotonic() < known[0]:
            return known[1]
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._ask(key, ask))
            asking.add_done_callback(_seen)
        # Who stops waiting stops for itself alone.
        return await asyncio.shield(asking)

    async def _ask(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        try:
            answer = await ask()
        finally:
            self._asking.pop(key, None)
        self._known[key] = (self._monotonic() + self._seconds, answer)
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return answer


def _seen(asked: "asyncio.Task[V]") -> None:
    # Whoever asked may be gone: asyncio would tell of a fault that nobody saw.
    if not asked.cancelled():
        asked.exception()
