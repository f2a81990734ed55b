"""Tells the sinks that are not served, in their condition Ready."""

from __future__ import annotations

import asyncio
import logging

from taskyard.backoff import Backoff
from taskyard.core.notifications.sink_view import SinkView
from taskyard.notifier.cache import Cache
from taskyard.notifier.cluster import ApiError, NotLeadingError
from taskyard.notifier.sink_status import SinkStatus
from taskyard.watchcache.kind import Key, key_of

logger = logging.getLogger(__name__)

RETRY_FIRST_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0
MESSAGE = "the namespace has more than eight sinks, of which the eight oldest are served; delete one of them"


class UnservedSinks:
    """A namespace may have any number of them, so none has more than its condition: one task for each namespace writes
    them, at the pace that the namespace has, and ends with the last."""

    def __init__(self, cache: Cache, status: SinkStatus) -> None:
        self._cache = cache
        self._status = status
        self._untold: dict[str, dict[Key, None]] = {}
        self._telling: dict[str, asyncio.Task[None]] = {}

    def add(self, sink: SinkView) -> None:
        """A sink may not know yet that it is not served."""
        self._untold.setdefault(sink.namespace, {}).setdefault(key_of(sink))
        if sink.namespace not in self._telling:
            self._telling[sink.namespace] = asyncio.create_task(self._tell(sink.namespace))

    def close(self) -> None:
        for each in self._telling.values():
            each.cancel()

    async def _tell(self, namespace: str) -> None:
        untold, backoff = self._untold[namespace], Backoff(first=RETRY_FIRST_SECONDS, longest=MAX_RETRY_SECONDS)
        try:
            while untold:
                key = next(iter(untold))
                del untold[key]
                try:
                    await self._tell_one(key)
                    backoff.reset()
                except NotLeadingError:
                    return
                except ApiError as error:
                    logger.warning("sink %s/%s: %s", *key, error)
                    untold.setdefault(key)
                    await asyncio.sleep(backoff.next())
                except Exception:
                    logger.exception("sink %s/%s: defect", *key)
                    untold.setdefault(key)
                    await asyncio.sleep(backoff.next())
        finally:
            del self._untold[namespace], self._telling[namespace]

    async def _tell_one(self, key: Key) -> None:
        sink = self._cache.sinks.get(key)
        if sink is not None and not sink.deleting and not self._cache.serves(sink):
            await self._status.ready(sink, False, "TooManySinks", MESSAGE)
