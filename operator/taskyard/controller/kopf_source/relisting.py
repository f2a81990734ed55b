"""Lists beside kopf's watches.

kopf reports neither an object that was deleted while its watch was down nor the end of its lists. So each kind is
listed here once before anything is decided, again whenever kopf's events show that kopf lists it again, and every ten
minutes; each list replaces the content of the store. All but the first ask for the objects' metadata alone, and then
for those objects of which something was missed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from taskyard.controller.cluster import ApiError, Cluster
from taskyard.controller.event_router import EventRouter
from taskyard.core.resources import Resource
from taskyard.watchcache.kind import View
from taskyard.watchcache.reading import MAX_PAGE
from taskyard.watchcache.reflector import list_into, relist_into
from taskyard.watchcache.store import Store

logger = logging.getLogger(__name__)

RELIST_DELAY_SECONDS = 1.0
MAX_DELAYS = 30
RELIST_EVERY_SECONDS = 600.0


class Relisting:
    """Passes kopf's events to the router, and lists each of its kinds when needed."""

    def __init__(self, cluster: Cluster, router: EventRouter) -> None:
        self._cluster = cluster
        self._router = router
        self._wanted: dict[Resource, asyncio.Event] = {}
        # How many objects kopf may list at a time: as many as the list before it had in its largest pages.
        self.chunk = MAX_PAGE

    def take(self, resource: Resource, event: str | None, view: View) -> None:
        """Take an event from kopf: it is None while kopf lists, else ADDED, MODIFIED or DELETED."""
        self._router.take(resource, event, view)
        if event is None and resource in self._wanted:
            self._wanted[resource].set()

    async def list_all(self) -> None:
        """List every kind once. Raises ApiError."""
        for store, changed in self._router.watched:
            listed = await list_into(self._cluster, store, changed)
            self.chunk = min(self.chunk, listed.fitting)

    async def keep_listed(self) -> None:
        """List again when needed, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for store, changed in self._router.watched:
                wanted = self._wanted[store.kind.resource] = asyncio.Event()
                group.create_task(self._keep_listed(store, changed, wanted))

    async def _keep_listed(self, store: Store[Any], changed: Callable[[Any], None], wanted: asyncio.Event) -> None:
        resource = store.kind.resource
        while True:
            try:
                async with asyncio.timeout(RELIST_EVERY_SECONDS):
                    await wanted.wait()
            except TimeoutError:
                pass
            # kopf's own list arrives as many events: one list after them covers them all.
            for _ in range(MAX_DELAYS):
                wanted.clear()
                await asyncio.sleep(RELIST_DELAY_SECONDS)
                if not wanted.is_set():
                    break
            wanted.clear()
            try:
                await relist_into(self._cluster, store, changed, read=lambda key: self._cluster.get(resource, *key))
            except ApiError as error:
                logger.warning("%s: %s; listing again later", resource.plural, error)
                await asyncio.sleep(RELIST_DELAY_SECONDS)
                wanted.set()
