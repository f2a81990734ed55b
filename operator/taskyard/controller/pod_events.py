"""Reads the Events of Pods that do not start, and of claims that keep them from a node, apart from the work itself: a
slow answer never holds up a Task."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError, Cluster
from taskyard.controller.gather import gather
from taskyard.core import event_reading, text_limits
from taskyard.core.start_cause import EventView
from taskyard.core.text_sanitizer import one_line
from taskyard.watchcache.kind import Key

logger = logging.getLogger(__name__)


class PodEvents:
    """The work of a queue: reads the Events of one Task's Pod or claim if they are due, keeps what they say in the
    stores, and calls `changed` with the Task's key."""

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
        subject = event_reading.subject(observed) if observed else None
        if subject is None or subject.due is None or now < subject.due:
            return
        events, refusal = [], ""
        try:
            events = [EventView.of(event) async for event in self._cluster.events_of(key[0], subject.uid)]
        except ApiError as error:
            if not error.is_refusal:
                raise
            refusal = text_limits.quoted(one_line(error.message))
            what = f"{subject.kind} {subject.name}"
            logger.warning("task %s/%s: the Events of %s cannot be read: %s", *key, what, refusal)
        self._stores.readings[key] = subject.reading(
            events, former=self._stores.readings.get(key), now=now, refusal=refusal
        )
        self._changed(key)
