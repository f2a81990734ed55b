"""Writes `status.notifications` of Tasks: one write at a time for each Task, on top of the newest state."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from taskyard.core.notifications import record
from taskyard.core.notifications.record import Record
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.core.resources import TASKS
from taskyard.notifier.cache import Cache
from taskyard.notifier.cluster import Cluster, ConflictError, MissingError
from taskyard.watchcache.kind import Key, key_of

TRIES = 5


class Records:
    """The sinks of a Task each have an entry in one list, which is written as a whole, and only onto the state that it
    was made of: no sink's entry is lost to another's write."""

    def __init__(self, cluster: Cluster, cache: Cache) -> None:
        self._cluster = cluster
        self._cache = cache
        # One for each Task that is written now: a write waits while its namespace has used up its share, and nobody
        # else may wait for that. They go with those who hold them or wait for them.
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()

    async def store(self, task: NotifiedTask, entry: Record) -> None:
        """Keep the entry of a sink. Nothing happens when the Task or the sink is gone. Raises ApiError."""
        lock = self._locks.setdefault(key_of(task), asyncio.Lock())
        async with lock:
            for attempt in range(1, TRIES + 1):
                now = self._cache.tasks.get(key_of(task))
                if now is None or now.uid != task.uid:
                    return
                sinks = {sink.name: sink.uid for sink in self._cache.sinks_of(task.namespace)}
                if sinks.get(entry.sink) != entry.sink_uid:
                    return
                status = {"notifications": record.with_record(now.records, entry, sinks=sinks)}
                try:
                    written = await self._cluster.patch_status(
                        TASKS, task.namespace, task.name, status, resource_version=str(now.version)
                    )
                    self._cache.tasks.put(written)
                    return
                except MissingError:
                    return
                except ConflictError:
                    # Others write the status too: the newest state is read, since the watch may be late.
                    if attempt == TRIES:
                        raise
                    newest = await self._cluster.get(TASKS, task.namespace, task.name)
                    if newest is None:
                        return
                    self._cache.tasks.put(newest)
