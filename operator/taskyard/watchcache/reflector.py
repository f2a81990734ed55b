"""Lists and watches one kind into a store; a new list replaces its content, so that no object stays that was deleted
while the watch was down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from taskyard.apiclient import ApiError, Object
from taskyard.backoff import Backoff
from taskyard.core.resources import Resource
from taskyard.watchcache.store import Store

logger = logging.getLogger(__name__)

RETRY_FIRST_SECONDS = 0.5
MAX_RETRY_SECONDS = 30.0
# A watch that ends sooner than this without an event is a fault: watching again at once would loop forever.
SHORT_WATCH_SECONDS = 1.0


class Source(Protocol):
    """What lists and watches a kind (see `reading`). Both raise ApiError."""

    async def list(self, resource: Resource) -> tuple[list[Object], str]: ...

    def watch(self, resource: Resource, resource_version: str) -> AsyncIterator[Object]: ...


class Reflector:
    """Keeps `store` equal to what the API server has; calls `changed` with each object that is added, changed or
    deleted, and `restarted` with the kind's plural whenever the watch could not continue."""

    def __init__(
        self,
        source: Source,
        resource: Resource,
        store: Store,
        changed: Callable[[Object], None],
        *,
        restarted: Callable[[str], None] = lambda plural: None,
    ) -> None:
        self._source = source
        self._resource = resource
        self._store = store
        self._changed = changed
        self._restarted = restarted
        self.listed = asyncio.Event()
        self._backoff = Backoff(first=RETRY_FIRST_SECONDS, longest=MAX_RETRY_SECONDS, jitter=0.5)

    async def run(self) -> None:
        """Run until cancelled. A fault is one line of log, and the retry comes later each time until a watch holds."""
        while True:
            try:
                await self._follow(await self._list())
            except ApiError as error:
                delay = self._backoff.next()
                logger.warning("%s: %s; listing again in %.1f s", self._resource.plural, error, delay)
                await asyncio.sleep(delay)

    async def _list(self) -> str:
        if self.listed.is_set():
            self._restarted(self._resource.plural)
        manifests, resource_version = await self._source.list(self._resource)
        for manifest in self._store.replace(manifests, listed_at=resource_version):
            self._changed(manifest)
        self.listed.set()
        return resource_version

    async def _follow(self, resource_version: str) -> None:
        """Watch after watch, each from where the last one ended; returns when a list is needed."""
        loop = asyncio.get_running_loop()
        while True:
            began, told = loop.time(), False
            async for event in self._source.watch(self._resource, resource_version):
                manifest = event["object"]
                if event["type"] == "ERROR":
                    if manifest.get("code") != 410:
                        raise ApiError(f"watch of {self._resource.plural}", str(manifest.get("message", manifest)))
                    return
                resource_version = manifest["metadata"]["resourceVersion"]
                told = True
                self._backoff.reset()
                self._take(event["type"], manifest)
            if told or loop.time() - began >= SHORT_WATCH_SECONDS:
                self._backoff.reset()
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
