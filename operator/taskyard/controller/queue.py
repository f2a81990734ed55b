"""A queue of keys to process: coalescing, one worker per key at a time, retries with back-off, a share for each
namespace.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from taskyard import backoff
from taskyard.controller.cluster import ApiError, NotLeadingError
from taskyard.watchcache.kind import Key

logger = logging.getLogger(__name__)

RETRY_FIRST_SECONDS = 0.2
MAX_RETRY_SECONDS = 60.0
NEWS_IN_A_ROW = 4
# Within this time a key that a worker has got has asked for the turn of its first write, as a rule.
NEXT_SECONDS = 0.001


Work = Callable[[Key], Awaitable[None]]


class Line:
    """Keys of a namespace that wait for a worker: news first, but of five keys one is the oldest of the others."""

    def __init__(self) -> None:
        self._news: dict[Key, None] = {}
        self._others: dict[Key, None] = {}
        self._in_a_row = 0

    def __len__(self) -> int:
        return len(self._news) + len(self._others)

    def append(self, key: Key, *, news: bool) -> None:
        """Add a key at the end."""
        (self._news if news else self._others)[key] = None

    def hurry(self, key: Key) -> None:
        """There is news of a key, if it waits here."""
        if key in self._others:
            del self._others[key]
            self._news[key] = None

    def pop(self) -> Key:
        """Take the next key."""
        is_turn_of_news = bool(self._news) and (self._in_a_row < NEWS_IN_A_ROW or not self._others)
        self._in_a_row = self._in_a_row + 1 if is_turn_of_news else 0
        found = self._news if is_turn_of_news else self._others
        key = next(iter(found))
        del found[key]
        return key


class KeyedQueue:
    """`run` calls its `work` with each key added: soon, once for any number of additions, and never concurrently for
    the same key.

    A key added while it is processed is processed again afterwards. An ApiError from `work` is one log line, then the
    key is retried with growing delays; any other error is a defect, logged with its trace and retried all the same.
    NotLeadingError ends `run`: there is nothing more to do.

    The keys of one namespace have at most `share` workers at a time (None: all), and no more than that many of them are
    ahead of another namespace's keys, however many there are. Behind those, keys that were added as `news` come before
    the others: what somebody has just done does not wait until a start has looked at ten thousand Tasks.

    `pause` says for how many seconds the writes in a namespace would have to wait. Until then its keys wait without a
    worker, which would be held for nothing, and then they go on one after the other.
    """

    def __init__(
        self,
        name: str,
        *,
        workers: int,
        share: int | None = None,
        pause: Callable[[str], float] = lambda namespace: 0.0,
    ) -> None:
        self._name = name
        self._workers = workers
        self._share = share or workers
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        # How many keys of each namespace are ready or processed, and those that wait until one of them is done.
        self._admitted: dict[str, int] = {}
        self._behind: dict[str, Line] = {}
        # The admitted keys of namespaces whose writes have to wait, and those of them that may go on now.
        self._pause = pause
        self._paused: dict[str, deque[Key]] = {}
        self._let_go: set[Key] = set()
        # The time since which each key waits, the longest first.
        self._waiting: dict[Key, float] = {}
        self._working: set[Key] = set()
        # Keys that were added while they are processed, and whether as news.
        self._again: dict[Key, bool] = {}
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._again)

    @property
    def age(self) -> float:
        """Seconds that the key at the head has waited for a worker; 0 when none waits."""
        since = next(iter(self._waiting.values()), None)
        return 0.0 if since is None else asyncio.get_running_loop().time() - since

    def add(self, key: Key, *, news: bool = False) -> None:
        """Have a key processed."""
        if key in self._working:
            self._again[key] = news or self._again.get(key, False)
        elif key in self._waiting:
            if news and key[0] in self._behind:
                self._behind[key[0]].hurry(key)
        else:
            self._waiting[key] = asyncio.get_running_loop().time()
            admitted = self._admitted.get(key[0], 0)
            if admitted < self._share:
                self._admitted[key[0]] = admitted + 1
                self._ready.put_nowait(key)
            else:
                self._behind.setdefault(key[0], Line()).append(key, news=news)

    def seen(self, key: Key) -> None:
        """The work on a key looks at everything that is known now: what was added until now is being processed."""
        self._again.pop(key, None)

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
            if self._has_to_pause(key):
                continue
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
                self._pass_on(key[0])
                if (news := self._again.pop(key, None)) is not None:
                    self.add(key, news=news)
            # A look at a Task that needs nothing awaits nothing: thousands of them would keep the loop from all else.
            await asyncio.sleep(0)

    def _has_to_pause(self, key: Key) -> bool:
        """Whether a key waits on, since the writes in its namespace would."""
        if key in self._let_go:
            self._let_go.remove(key)
            return False
        paused = self._paused.get(key[0])
        if paused is not None:
            paused.append(key)
        elif (seconds := self._pause(key[0])) > 0:
            self._paused[key[0]] = deque((key,))
            asyncio.get_running_loop().call_later(seconds, self._go_on, key[0])
        else:
            return False
        return True

    def _go_on(self, namespace: str) -> None:
        """Let a key of the namespace go on, if its writes need not wait; and look again for the next one."""
        paused, seconds = self._paused[namespace], self._pause(namespace)
        if seconds <= 0:
            key = paused.popleft()
            self._let_go.add(key)
            self._ready.put_nowait(key)
            if not paused:
                del self._paused[namespace]
                return
        asyncio.get_running_loop().call_later(max(seconds, NEXT_SECONDS), self._go_on, namespace)

    def _pass_on(self, namespace: str) -> None:
        """A key of the namespace is done: the next one of it is ready."""
        if behind := self._behind.get(namespace):
            self._ready.put_nowait(behind.pop())
            if not behind:
                del self._behind[namespace]
        elif self._admitted[namespace] > 1:
            self._admitted[namespace] -= 1
        else:
            del self._admitted[namespace]

    def _retry(self, key: Key, cause: str) -> None:
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = backoff.delay(failures, first=RETRY_FIRST_SECONDS, longest=MAX_RETRY_SECONDS, jitter=0.5)
        logger.warning("%s %s/%s: %s; retrying in %.1f s", self._name, *key, cause, delay)
        self.add_after(key, delay)
