"""A cache of answers that expire."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """Keeps at most `most` answers, each for `seconds`. Of concurrent callers with the same key one asks, and the
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
        """The last answer for a key if it is still kept, however old; None without one."""
        known = self._known.get(key)
        return None if known is None else known[1]

    def fresh(self, key: K) -> V | None:
        """The answer for a key as `get` would give it without asking; None without one."""
        known = self._known.get(key)
        return known[1] if known is not None and self._monotonic() < known[0] else None

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        """The answer for a key. An exception from `ask` is raised for all who wait, and is not cached."""
        known = self._known.get(key)
        if known is not None and self._monotonic() < known[0]:
            return known[1]
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._ask(key, ask))
            asking.add_done_callback(_seen)
        # A waiter that is cancelled does not cancel the others.
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
    # The callers may be gone: else asyncio logs an exception that was never retrieved.
    if not asked.cancelled():
        asked.exception()
