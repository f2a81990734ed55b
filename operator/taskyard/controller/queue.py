"""A queue of keys to process: coalescing, one worker per key at a time, retries with back-off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from taskyard import backoff
from taskyard.controller.cluster import ApiError, NotLeadingError
from taskyard.watchcache.store import Key

logger = logging.getLogger(__name__)

RETRY_FIRST_SECONDS = 0.2
MAX_RETRY_SECONDS = 60.0


Work = Callable[[Key], Awaitable[None]]


class KeyedQueue:
    """`run` calls its `work` with each key added: soon, once for any number of additions, and never concurrently for
    the same key.

    A key added while it is processed is processed again afterwards. An ApiError from `work` is one log line, then the
    key is retried with growing delays; any other error is a defect, logged with its trace and retried all the same.
    NotLeadingError ends `run`: there is nothing more to do.
    """

    def __init__(self, name: str, *, workers: int) -> None:
        self._name = name
        self._workers = workers
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        # The time since which each key waits, the longest first.
        self._waiting: dict[Key, float] = {}
        self._working: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._again)

    @property
    def age(self) -> float:
        """Seconds that the key at the head has waited for a worker; 0 when none waits."""
        since = next(iter(self._waiting.values()), None)
        return 0.0 if since is None else asyncio.get_running_loop().time() - since

    def add(self, key: Key) -> None:
        """Have a key processed."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting[key] = asyncio.get_running_loop().time()
            self._ready.put_nowait(key)

    def add_after(self, key: Key, seconds: float) -> None:
        """Have a key processed later; the earlier of two times counts."""
        loop = asyncio.get_running_loop()
        at = loop.time() + max(seconds, 0.0)
        timer = self._timers.get(key)
        if timer is not None and not timer.cancelled() and timer.when() <= at:
            return
        if timer is not None:
            timer.cancel()
        self._timers[key] = loop.call_at(at, self._fire, key)

    async def run(self, work: Work) -> None:
        """Process keys until cancelled. Keys may be added before."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._worker(work))

    def _fire(self, key: Key) -> None:
        del self._timers[key]
        self.add(key)

    async def _worker(self, work: Work) -> None:
        while True:
            key = await self._ready.get()
            self._waiting.pop(key, None)
            self._working.add(key)
            try:
                await work(key)
                self._failures.pop(key, None)
            except NotLeadingError:
                raise
            except ApiError as error:
                self._retry(key, str(error))
            except Exception:
                logger.exception("%s %s/%s: defect", self._name, *key)
                self._retry(key, "see above")
            finally:
                self._working.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self.add(key)

    def _retry(self, key: Key, cause: str) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = backoff.delay(failures, first=RETRY_FIRST_SECONDS, longest=MAX_RETRY_SECONDS, jitter=0.5)
        logger.warning("%s %s/%s: %s; retrying in %.1f s", self._name, *key, cause, delay)
        self.add_after(key, delay)
