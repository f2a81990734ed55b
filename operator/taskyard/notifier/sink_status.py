"""Writes the status of sinks: the condition Ready, and the last test message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from taskyard.core import text_limits, times
from taskyard.core.api_object import Manifest
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.resources import NOTIFICATION_SINKS
from taskyard.notifier.cache import Cache
from taskyard.notifier.cluster import Cluster, ConflictError, MissingError
from taskyard.watchcache.kind import key_of


class SinkStatus:
    """Nothing is written that the status says already."""

    def __init__(self, cluster: Cluster, cache: Cache, *, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._cache = cache
        self._clock = clock

    async def ready(self, sink: SinkView, status: bool, reason: str, message: str) -> None:
        """Set the condition Ready. Raises ApiError."""
        await self._write(sink, self._condition(sink, status, reason, message))

    async def tested(self, sink: SinkView, requested: str, status: bool, reason: str, message: str) -> None:
        """A test message was sent, or given up, which the condition tells too. Raises ApiError."""
        test = {"requested": requested, "time": times.rfc3339(self._clock()), "message": text_limits.message(message)}
        await self._write(sink, {**self._condition(sink, status, reason, message), "test": test})

    def _condition(self, sink: SinkView, status: bool, reason: str, message: str) -> Manifest:
        former, text = sink.ready, text_limits.message(message)
        known = (former["status"], former["reason"], former["message"]) if former else None
        if known == (str(status), reason, text) and sink.observed_generation == sink.generation:
            return {}
        unchanged = former is not None and former["status"] == str(status)
        condition = {
            "type": "Ready",
            "status": str(status),
            "reason": reason,
            "message": text,
            "lastTransitionTime": former["lastTransitionTime"]
            if former and unchanged
            else times.rfc3339(self._clock()),
            "observedGeneration": sink.generation,
        }
        return {"observedGeneration": sink.generation, "conditions": [condition]}

    async def _write(self, sink: SinkView, status: Manifest) -> None:
        """Nothing happens when the sink is gone, or is another one of that name."""
        if not status:
            return
        try:
            written = await self._cluster.patch_status(
                NOTIFICATION_SINKS, sink.namespace, sink.name, status, uid=sink.uid
            )
        except (MissingError, ConflictError):
            return
        self._cache.sinks.put(written)

    def newest(self, sink: SinkView) -> SinkView | None:
        """The sink as it is now; None when it is gone."""
        found = self._cache.sinks.get(key_of(sink))
        return found if found is not None and found.uid == sink.uid else None
