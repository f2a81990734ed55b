"""Reads a Task from the API server before a write that its absence or deletion forbids."""

from __future__ import annotations

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import Cluster, Object
from taskyard.core.observed import Observed
from taskyard.core.resources import TASKS


class NotDue(Exception):  # noqa: N818 - a verdict, not an error
    """The Task is being deleted: there is nothing to do for it."""


class TaskReader:
    """Live reads, after which the store shows the Task. All methods raise ApiError."""

    def __init__(self, cluster: Cluster, stores: Stores) -> None:
        self._cluster = cluster
        self._stores = stores

    async def look_again(self, observed: Observed) -> Object | None:
        """The Task that has the name now, None when there is none."""
        task = observed.task
        live = await self._cluster.get(TASKS, task.namespace, task.name)
        if live is None or live["metadata"]["uid"] != task.uid:
            self._stores.tasks.remove((task.namespace, task.name), uid=task.uid)
        if live is not None:
            self._stores.tasks.put(live)
        return live

    async def live(self, observed: Observed) -> Object:
        """The Task by a live read. Raises NotDue when it is deleted or being deleted."""
        live = await self.look_again(observed)
        if live is None or live["metadata"]["uid"] != observed.task.uid or "deletionTimestamp" in live["metadata"]:
            raise NotDue
        return live
