"""Notifies waiters of changes of Tasks. A notification does not say what changed: the waiter reads the cache."""

import asyncio
import contextlib
from collections.abc import Iterator

from taskyard.watchcache.kind import Key


class Waiter:
    """Collects the Tasks that changed since the last `take`, by UID: each once, however slow the waiter is."""

    def __init__(self) -> None:
        self._changed: dict[str, Key] = {}
        self._wake = asyncio.Event()

    def tell(self, uid: str, key: Key) -> None:
        """Note that a Task changed, and wake the waiter."""
        self._changed[uid] = key
        self._wake.set()

    def wake(self) -> None:
        """Wake the waiter although no Task changed."""
        self._wake.set()

    def take(self) -> dict[str, Key]:
        """The Tasks that changed since the last call."""
        changed, self._changed = self._changed, {}
        self._wake.clear()
        return changed

    async def wait(self, seconds: float) -> None:
        """Return after a wake-up, or after `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()


class ChangeNotifier:
    """Notifies those who wait for one Task, and those who wait for any."""

    def __init__(self) -> None:
        self._of_one: dict[Key, set[Waiter]] = {}
        self._of_any: set[Waiter] = set()

    @contextlib.contextmanager
    def waiting(self, key: Key | None = None) -> Iterator[Waiter]:
        """A waiter for changes of a Task and its parts or, without a key, of any Task, for as long as the block
        lasts."""
        waiter = Waiter()
        waiters = self._of_any if key is None else self._of_one.setdefault(key, set())
        waiters.add(waiter)
        try:
            yield waiter
        finally:
            waiters.discard(waiter)
            if key is not None and not waiters and self._of_one.get(key) is waiters:
                del self._of_one[key]

    def task(self, uid: str, key: Key) -> None:
        """A Task was added, modified or deleted."""
        for waiter in (*self._of_any, *self._of_one.get(key, ())):
            waiter.tell(uid, key)

    def part(self, key: Key) -> None:
        """A build or the Pod of a Task was added, modified or deleted."""
        for waiter in self._of_one.get(key, ()):
            waiter.wake()

    def wake_all(self) -> None:
        """Wake every waiter."""
        for waiters in (self._of_any, *self._of_one.values()):
            for waiter in waiters:
                waiter.wake()
