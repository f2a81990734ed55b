"""Reads the Events of Pods that do not start, apart from the work itself: a slow answer never holds up a Task."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError, Cluster
from taskyard.controller.gather import gather
from taskyard.core import start_events, text_limits
from taskyard.core.start_cause import EventView, Reading, progress, start_cause
from taskyard.core.text_sanitizer import one_line
from taskyard.watchcache.kind import Key

logger = logging.getLogger(__name__)


class PodEvents:
    """The work of a queue: reads the Events of one Task's Pod if they are due, keeps what they say in the stores, and
    calls `changed` with the Task's key."""

    def __init__(
        self, cluster: Cluster, stores: Stores, *, clock: Callable[[], datetime], changed: Callable[[Key], None]
    ) -> None:
        self._cluster = cluster
        self._stores = stores
        self._clock = clock
        self._changed = changed

    async def read(self, key: Key) -> None:
        """Read them. Raises ApiError, unless the API server refuses: that is told in the Task."""
        now = self._clock()
        observed = gather(self._stores, key, now=now, obstacle=None)
        pod = start_events.starting_pod(observed) if observed else None
        due = start_events.next_reading(observed) if observed else None
        if observed is None or pod is None or due is None or now < due:
            return
        former = start_events.reading_of(observed, pod)
        events, refusal = [], ""
        try:
            events = [EventView.of(event) async for event in self._cluster.events_of(key[0], pod.uid)]
        except ApiError as error:
            if not error.is_refusal:
                raise
            refusal = text_limits.quoted(one_line(error.message))
            logger.warning("task %s/%s: the Events of Pod %s cannot be read: %s", *key, pod.name, refusal)
        self._stores.readings[key] = Reading(
            pod.uid,
            at=now,
            number=former.number + 1 if former else 1,
            cause=start_cause(events, now=now),
            progress=progress(events),
            refusal=refusal,
        )
        self._changed(key)
