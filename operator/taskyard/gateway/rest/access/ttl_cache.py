"""A cache of answers that expire."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# What an answer takes besides its key and its value: the places in the dictionary, and the moment.
ENTRY_BYTES = 250


class TtlCache(Generic[K, V]):
    """Gives each answer for `seconds`. Of concurrent callers with the same key one asks, and the others wait for its
    answer.

    At most `most` answers and `most_bytes` are kept, the newest of them, each for `seconds` and `grace` more; then it
    is dropped, whether or not anybody asks again. `size` is what a key and its value take, in bytes.
    """

    def __init__(
        self,
        *,
        seconds: float,
        most: int,
        monotonic: Callable[[], float],
        most_bytes: int = 1 << 20,
        size: Callable[[K, V], int] = lambda key, value: 0,
        grace: float = 0.0,
    ) -> None:
        self._seconds = seconds
        self._grace = grace
        self._most = most
        self._most_bytes = most_bytes
        self._size = size
        self._monotonic = monotonic
        # In the order in which they expire.
        self._known: OrderedDict[K, tuple[float, V, int]] = OrderedDict()
        self._asking: dict[K, asyncio.Task[V]] = {}
        self._sweep: asyncio.TimerHandle | None = None
        self.bytes = 0

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

    def drop_expired(self) -> None:
        """Forget the answers whose time, with its grace, is over."""
        now = self._monotonic()
        while self._known and next(iter(self._known.values()))[0] + self._grace <= now:
            self._drop_oldest()

    async def _ask(self, key: K, ask: Callable[[], Awaitable[V]]) -> V:
        try:
            answer = await ask()
        finally:
            self._asking.pop(key, None)
        self._keep(key, answer)
        return answer

    def _keep(self, key: K, answer: V) -> None:
        former = self._known.pop(key, None)
        if former is not None:
            self.bytes -= former[2]
        size = ENTRY_BYTES + self._size(key, answer)
        self._known[key] = (self._monotonic() + self._seconds, answer, size)
        self.bytes += size
        while len(self._known) > self._most or self.bytes > self._most_bytes:
            self._drop_oldest()
        self.drop_expired()
        self._sweep_later()

    def _drop_oldest(self) -> None:
        _, (_, _, size) = self._known.popitem(last=False)
        self.bytes -= size

    def _sweep_later(self) -> None:
        if self._known and self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self._seconds + self._grace, self._swept)

    def _swept(self) -> None:
        self._sweep = None
        self.drop_expired()
        self._sweep_later()


def _seen(asked: "asyncio.Task[V]") -> None:
    # The callers may be gone: else asyncio logs an exception that was never retrieved.
    if not asked.cancelled():
        asked.exception()
