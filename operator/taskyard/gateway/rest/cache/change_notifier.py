"""Who waits for a change of which Task. What changed is not said: whoever waits looks into the cache."""

import asyncio
import contextlib
from collections.abc import Iterator

from taskyard.watchcache.store import Key


class Waiter:
    """The Tasks that changed since they were last taken, by their UIDs. However slow its owner, it holds each once."""

    def __init__(self) -> None:
        self._changed: dict[str, Key] = {}
        self._wake = asyncio.Event()

    def tell(self, uid: str, key: Key) -> None:
        """That Task changed."""
        self._changed[uid] = key
        self._wake.set()

    def wake(self) -> None:
        """There is something to look at, be it no Task."""
        self._wake.set()

    def take(self) -> dict[str, Key]:
        """The Tasks that changed since the last call."""
        changed, self._changed = self._changed, {}
        self._wake.clear()
        return changed

    async def wait(self, seconds: float) -> None:
        """Return once something changed, or after that time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()


class ChangeNotifier:
    """Tells of changes those who wait for that Task, and those who wait for any."""

    def __init__(self) -> None:
        self._of_one: dict[Key, set[Waiter]] = {}
        self._of_any: set[Waiter] = set()

    @contextlib.contextmanager
    def waiting(self, key: Key | None = None) -> Iterator[Waiter]:
        """A waiter for changes of a Task and what belongs to it, without a key for those of any Task, as long as the
        block lasts."""
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
        """A Task came, changed or went."""
        for waiter in (*self._of_any, *self._of_one.get(key, ())):
            waiter.tell(uid, key)

    def part(self, key: Key) -> None:
        """A build or the Pod of the Task of that name came, changed or went."""
        for waiter in self._of_one.get(key, ()):
            waiter.wake()

    def wake_all(self) -> None:
        """Have everybody look."""
        for waiters in (self._of_any, *self._of_one.values()):
            for waiter in waiters:
                waiter.wake()
