"""Lists beside kopf's watches.

kopf reports neither an object that was deleted while its watch was down nor the end of its lists. So each kind is
listed here once before anything is decided, again whenever kopf's events show that kopf lists it again, and every ten
minutes; each list replaces the content of the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from taskyard.controller.cluster import ApiError, Cluster
from taskyard.controller.event_router import EventRouter
from taskyard.core.resources import Resource

logger = logging.getLogger(__name__)

RELIST_DELAY_SECONDS = 1.0
RELIST_EVERY_SECONDS = 600.0


class Relisting:
    """Passes kopf's events to the router, and lists each of its kinds when needed."""

    def __init__(self, cluster: Cluster, router: EventRouter) -> None:
        self._cluster = cluster
        self._router = router
        self._wanted: dict[Resource, asyncio.Event] = {}

    def take(self, resource: Resource, event: Mapping[str, Any]) -> None:
        """Take an event from kopf: its type is None while kopf lists, else ADDED, MODIFIED or DELETED."""
        self._router.take(resource, event)
        if event["type"] is None and resource in self._wanted:
            self._wanted[resource].set()

    async def list_all(self) -> None:
        """List every kind once. Raises ApiError."""
        for resource in self._router.kinds:
            await self._list(resource)

    async def keep_listed(self) -> None:
        """List again when needed, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for resource in self._router.kinds:
                self._wanted[resource] = asyncio.Event()
                group.create_task(self._keep_listed(resource, self._wanted[resource]))

    async def _keep_listed(self, resource: Resource, wanted: asyncio.Event) -> None:
        while True:
            try:
                async with asyncio.timeout(RELIST_EVERY_SECONDS):
                    await wanted.wait()
            except TimeoutError:
                pass
            # kopf's own list arrives as many events: one list here covers them all.
            await asyncio.sleep(RELIST_DELAY_SECONDS)
            wanted.clear()
            try:
                await self._list(resource)
            except ApiError as error:
                logger.warning("%s: %s; listing again later", resource.plural, error)
                await asyncio.sleep(RELIST_DELAY_SECONDS)
                wanted.set()

    async def _list(self, resource: Resource) -> None:
        manifests, listed_at = await self._cluster.list(resource)
        self._router.listed(resource, manifests, listed_at=listed_at)
