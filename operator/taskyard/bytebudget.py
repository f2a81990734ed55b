"""Limits the memory that all requests in progress hold for one purpose."""

import asyncio
from collections import Counter, deque
from collections.abc import Hashable


class BudgetExceededError(Exception):
    """There was no room for so many bytes in time."""


class Lease:
    """Bytes that are held until they are `released`, which may be called more than once."""

    def __init__(self, budget: "ByteBudget", holder: Hashable, size: int) -> None:
        self._budget = budget
        self._holder = holder
        self._size = size

    def release(self) -> None:
        """The bytes are no longer held."""
        size, self._size = self._size, 0
        self._budget.give_back(self._holder, size)

    def __enter__(self) -> "Lease":
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


class ByteBudget:
    """At most `most` bytes are held at a time, and `each` by one holder. Those who wait for room get it in their order;
    one who has all that a holder may have holds nobody else up."""

    def __init__(self, *, most: int, each: int) -> None:
        self._most = most
        self._each = each
        self._held: Counter[Hashable] = Counter()
        self._waiting: deque[tuple[asyncio.Future[None], Hashable, int]] = deque()
        self.bytes = 0

    def try_lease(self, holder: Hashable, size: int) -> Lease:
        """Hold so many bytes at once. Raises BudgetExceededError."""
        if self._waiting or not self._fits(holder, size):
            raise BudgetExceededError
        return self._grant(holder, size)

    async def lease(self, holder: Hashable, size: int, *, patience: float | None = None) -> Lease:
        """Hold so many bytes as soon as there is room for them. Raises BudgetExceededError after `patience` seconds,
        and at once for more than a holder may have."""
        if size > self._each:
            raise BudgetExceededError
        if not self._waiting and self._fits(holder, size):
            return self._grant(holder, size)
        room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = room, holder, size
        self._waiting.append(entry)
        # Those in front may wait for room of their own share, which is not this one's.
        self._let_in()
        try:
            async with asyncio.timeout(patience):
                await room
        except BaseException as error:
            if room.done() and not room.cancelled():
                self.give_back(holder, size)
            else:
                self._waiting.remove(entry)
                self._let_in()
            if isinstance(error, TimeoutError):
                raise BudgetExceededError from error
            raise
        return Lease(self, holder, size)

    def give_back(self, holder: Hashable, size: int) -> None:
        """So many bytes are free again."""
        self.bytes -= size
        self._held[holder] -= size
        if not self._held[holder]:
            del self._held[holder]
        self._let_in()

    def _fits(self, holder: Hashable, size: int) -> bool:
        return self.bytes + size <= self._most and self._held[holder] + size <= self._each

    def _grant(self, holder: Hashable, size: int) -> Lease:
        self.bytes += size
        self._held[holder] += size
        return Lease(self, holder, size)

    def _let_in(self) -> None:
        for entry in list(self._waiting):
            room, holder, size = entry
            if room.done():
                continue  # it has just been given up, and removes itself
            if self._held[holder] + size > self._each:
                continue
            if self.bytes + size > self._most:
                return  # whoever is next in the order waits for this one
            self._waiting.remove(entry)
            self._grant(holder, size)
            room.set_result(None)
