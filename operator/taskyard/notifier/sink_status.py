"""Writes the status of sinks: the condition Ready, since when what is selected or fails, and the last test message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from taskyard.core import text_limits, times
from taskyard.core.api_object import Manifest
from taskyard.core.notifications import selection
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.resources import NOTIFICATION_SINKS
from taskyard.notifier.cache import Cache
from taskyard.notifier.cluster import Cluster, ConflictError, MissingError
from taskyard.notifier.fault import DeliveryError
from taskyard.watchcache.kind import key_of

DELIVERED = "Delivered"
TAKEN = "the last message was taken"


class SinkStatus:
    """Nothing is written that the status says already."""

    def __init__(self, cluster: Cluster, cache: Cache, *, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._cache = cache
        self._clock = clock

    async def ready(self, sink: SinkView, status: bool, reason: str, message: str) -> None:
        """Set the condition Ready by what is known of the sink, though nothing was sent. Raises ApiError."""
        await self._write(sink, self._condition(sink, status, reason, message))

    async def taken(self, sink: SinkView) -> None:
        """A message was taken. Raises ApiError."""
        await self._write(sink, self._condition(sink, True, DELIVERED, TAKEN) | _answered(sink))

    async def not_taken(self, sink: SinkView, error: DeliveryError) -> None:
        """A message was not taken, or could not be sent. Raises ApiError."""
        await self._write(sink, self._condition(sink, False, error.reason, error.message) | self._fails(sink, error))

    async def tested(self, sink: SinkView, requested: str, error: DeliveryError | None) -> None:
        """A test message was taken, or was not, which the condition tells too. Raises ApiError."""
        reason, message = (DELIVERED, TAKEN) if error is None else (error.reason, error.message)
        test = {"requested": requested, "time": times.micro(self._clock()), "message": text_limits.message(message)}
        answer = _answered(sink) if error is None else self._fails(sink, error)
        await self._write(sink, {**self._condition(sink, error is None, reason, message), **answer, "test": test})

    def _fails(self, sink: SinkView, error: DeliveryError) -> Manifest:
        """Since when the receiver takes nothing, unless it has only refused one message."""
        if error.is_of_message:
            return _answered(sink)
        return {"failingSince": times.rfc3339(self._clock())} if sink.failing_since is None else {}

    def _condition(self, sink: SinkView, status: bool, reason: str, message: str) -> Manifest:
        """The condition, unless the status says it already; and what the sink selects from now on, if that is new."""
        former, text, selected = sink.ready, text_limits.message(message), self._selected(sink)
        known = (former["status"], former["reason"], former["message"]) if former else None
        if known == (str(status), reason, text) and sink.observed_generation == sink.generation:
            return selected
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
        return {"observedGeneration": sink.generation, "conditions": [condition], **selected}

    def _selected(self, sink: SinkView) -> Manifest:
        """The first selection is as old as the sink. A later one counts from when it is seen: nothing tells when the
        spec was changed."""
        if sink.selections and not sink.has_other_selection:
            return {}
        since = self._clock() if sink.selections else sink.created_at
        return {"selections": selection.with_selection(sink.selections, sink.selection, since=since)}

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


def _answered(sink: SinkView) -> Manifest:
    return {"failingSince": None} if sink.failing_since is not None else {}
