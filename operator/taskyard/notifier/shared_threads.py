"""Threads for what only blocks, of which each namespace has a share."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# For whose sink something is done: what is asked on the way to a receiver does not know its sink.
NAMESPACE: ContextVar[str] = ContextVar("namespace", default="")
SHARE = 8


def may_begin(*, used: int, free: int) -> bool:
    """Whether a namespace that has `used` threads may have one more of those that are free: at most eight, and fewer
    the fewer are free, so that there is always one left for a namespace that has none."""
    return used < min(SHARE, max(free // SHARE, 1)) and free > 0


class SharedThreads:
    """A thread cannot be ended: one that asks a server that does not answer is gone for longer than anybody waits for
    it. So what is counted is the thread, not who waits."""

    def __init__(self, threads: int, *, prefix: str) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=prefix)
        self._lock = threading.Lock()
        self._used = Counter[str]()
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}

    async def wait(self) -> None:
        """Until the namespace of the context may begin one more; then `begin` has to follow at once."""
        while not self._may_begin(NAMESPACE.get()):
            loop = asyncio.get_running_loop()
            ended = loop.create_future()
            with self._lock:
                self._waiting[ended] = loop
            try:
                # It may have ended before it was waited for.
                if not self._may_begin(NAMESPACE.get()):
                    await ended
            finally:
                with self._lock:
                    self._waiting.pop(ended, None)

    def begin(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
        """Work in a thread, which counts as one of the namespace's until it ends."""
        namespace = NAMESPACE.get()
        with self._lock:
            self._used[namespace] += 1
        context = copy_context()
        begun = self._pool.submit(lambda: context.run(work, *arguments, **named))
        begun.add_done_callback(lambda _: self._ended(namespace))
        return begun

    async def run(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Wait for a thread, and for what the work returns in it."""
        await self.wait()
        return await asyncio.wrap_future(self.begin(work, *arguments, **named))

    def close(self) -> None:
        """Begins nothing more; what has begun goes on."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _may_begin(self, namespace: str) -> bool:
        with self._lock:
            return may_begin(used=self._used[namespace], free=self._threads - self._used.total())

    def _ended(self, namespace: str) -> None:
        """Called in any thread."""
        with self._lock:
            self._used[namespace] -= 1
            if not self._used[namespace]:
                del self._used[namespace]
            waiting = list(self._waiting.items())
        for ended, loop in waiting:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(_tell, ended)


def _tell(ended: asyncio.Future[Any]) -> None:
    if not ended.done():
        ended.set_result(None)
