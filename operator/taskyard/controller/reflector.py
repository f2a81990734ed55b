"""List and watch of one kind into a store; a new list replaces it, so nothing deleted while a watch was down stays."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

from taskyard.controller.cluster import ApiError, Cluster, Object, Resource
from taskyard.controller.store import Store

logger = logging.getLogger(__name__)

RETRY_FIRST_SECONDS = 0.5
RETRY_MOST_SECONDS = 30.0
# A watch that ends sooner than this without having told anything is a fault: asking again at once would go on forever.
SHORT_WATCH_SECONDS = 1.0


class Reflector:
    """Keeps `store` equal to what the API server has; calls `changed` with each object that came, changed or went."""

    def __init__(self, cluster: Cluster, resource: Resource, store: Store, changed: Callable[[Object], None]) -> None:
        self._cluster = cluster
        self._resource = resource
        self._store = store
        self._changed = changed
        self.listed = asyncio.Event()
        self._failures = 0

    async def run(self) -> None:
        """Go on until cancelled. Faults are one line each and tried again, later each time until a watch has held."""
        while True:
            try:
                await self._follow(await self._list())
            except ApiError as error:
                delay = min(RETRY_FIRST_SECONDS * 2**self._failures, RETRY_MOST_SECONDS) * random.uniform(0.5, 1.0)
                self._failures += 1
                logger.warning("%s: %s; listing again in %.1f s", self._resource.plural, error, delay)
                await asyncio.sleep(delay)

    async def _list(self) -> str:
        manifests, resource_version = await self._cluster.list(self._resource)
        for manifest in self._store.replace(manifests, listed_at=resource_version):
            self._changed(manifest)
        self.listed.set()
        return resource_version

    async def _follow(self, resource_version: str) -> None:
        """Watch after watch, each from where the last one ended; returns when a list is needed."""
        loop = asyncio.get_running_loop()
        while True:
            began, told = loop.time(), False
            async for event in self._cluster.watch(self._resource, resource_version):
                manifest = event["object"]
                if event["type"] == "ERROR":
                    if manifest.get("code") != 410:
                        raise ApiError(f"watch of {self._resource.plural}", str(manifest.get("message", manifest)))
                    return
                resource_version = manifest["metadata"]["resourceVersion"]
                told, self._failures = True, 0
                self._take(event["type"], manifest)
            if told or loop.time() - began >= SHORT_WATCH_SECONDS:
                self._failures = 0
            else:
                raise ApiError(f"watch of {self._resource.plural}", "it ended at once")

    def _take(self, kind: str, manifest: Object) -> None:
        if kind == "BOOKMARK":
            return
        if kind == "DELETED":
            self._store.deleted(manifest)
            self._changed(manifest)
        elif self._store.put(manifest):
            self._changed(manifest)
