"""The one module of the operator that talks to the API server."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, TypedDict

import msgspec

from taskyard import __version__
from taskyard.apiclient import (
    MERGE_PATCH,
    ApiError,
    ConflictError,
    Connection,
    MissingError,
    Object,
    Parse,
    RequestObserver,
    connect,
)
from taskyard.controller.write_budget import WriteBudget
from taskyard.core.resources import EVENTS, LEASES, Resource
from taskyard.watchcache import reading
from taskyard.watchcache.kind import Kind, V
from taskyard.watchcache.reading import Event, Page

__all__ = ["ApiError", "Cluster", "ConflictError", "MissingError", "NotLeadingError", "Object"]

# An object has a few dozen Events at most, since repetitions are counted in one.
EVENTS_READ = 500
STATES_SECONDS = 300


class _EventMetadata(TypedDict, total=False):
    creationTimestamp: str


class _Series(TypedDict, total=False):
    lastObservedTime: str


class _Event(TypedDict, total=False):
    """What is read of an Event."""

    metadata: _EventMetadata
    type: str
    reason: str
    note: str
    eventTime: str | None
    series: _Series | None
    deprecatedLastTimestamp: str | None


_event: msgspec.json.Decoder[Object] = msgspec.json.Decoder(_Event)


class NotLeadingError(ApiError):
    """This process does not hold the Lease, or no longer holds it: nothing was written."""


class Cluster:
    """Reads and writes of the operator. All raise ApiError.

    Before each write except those of the Lease, `guard` is called; it raises NotLeadingError unless this process may
    write. Writes, except of the Lease and of Events, wait for the turn that their namespace has by the `budget`;
    `paced` is called when they do. Of the objects of `kinds` only the fields of their shapes are returned. A write that
    has begun continues when its caller is cancelled: `settle` waits for it.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        guard: Callable[[], None],
        kinds: Mapping[Resource, Kind[Any]] | None = None,
        budget: WriteBudget | None = None,
        paced: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._budget = budget or WriteBudget(clock=time.monotonic)
        self._paced = paced
        self._kinds = kinds or {}
        self._guard = guard
        self._writing: set[asyncio.Task[Object]] = set()

    @classmethod
    async def connect(
        cls,
        kubeconfig: str,
        *,
        guard: Callable[[], None],
        observe: RequestObserver | None = None,
        kinds: Mapping[Resource, Kind[Any]] | None = None,
        paced: Callable[[], None] = lambda: None,
    ) -> Cluster:
        """Connects to the API server of a kubeconfig; without one, to that of the Pod's service account or the user's
        kubeconfig."""
        connection = await connect(
            user_agent=f"taskyard-operator/{__version__}", kubeconfig=kubeconfig, observe=observe
        )
        return cls(connection, guard=guard, kinds=kinds, paced=paced)

    def _parse(self, resource: Resource) -> Parse:
        kind = self._kinds.get(resource)
        return kind.parse if kind else msgspec.json.decode

    async def close(self) -> None:
        await self._connection.close()

    def check_leading(self) -> None:
        """Guards writes that do not go to the API server. Raises NotLeadingError."""
        self._guard()

    async def settle(self, seconds: float) -> None:
        """Return once no write is in flight; those still in flight after `seconds` are cancelled."""
        if self._writing:
            _, late = await asyncio.wait(self._writing, timeout=seconds)
            for write in late:
                write.cancel()

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        """An object; None when there is none."""
        try:
            return await self._connection.call("GET", resource.path(namespace, name), parse=self._parse(resource))
        except MissingError:
            return None

    async def uid_at(self, resource: Resource, namespace: str, name: str, *, resource_version: str) -> str | None:
        """UID of the object that had a name at a resourceVersion of the past, None when there was none. An ApiError of
        status 410 means that the API server does not reach back so far: it keeps some minutes."""
        query = {
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": resource_version,
            "resourceVersionMatch": "Exact",
        }
        found = await self._connection.call("GET", resource.path(namespace), query=query, accept=reading.METADATA_LIST)
        items = found["items"] or []
        return str(items[0]["metadata"]["uid"]) if items else None

    def pages(self, kind: Kind[V]) -> AsyncIterator[Page[V]]:
        """All objects of a kind, in pages."""
        return reading.pages(self._connection, kind)

    def watch(self, kind: Kind[V], resource_version: str) -> AsyncIterator[Event[V]]:
        """Events after `resource_version`, bookmarks among them, until the server ends the watch."""
        return reading.watch(self._connection, kind, resource_version)

    async def states(self, resource: Resource, namespace: str, name: str) -> AsyncIterator[Object]:
        """The states of an object from now on, the present one first, until the server ends the watch."""
        query = {"watch": "true", "fieldSelector": f"metadata.name={name}", "timeoutSeconds": str(STATES_SECONDS)}
        path, idle = resource.path(namespace), STATES_SECONDS + 30.0
        async for line in self._connection.stream(path, query=query, idle_timeout=idle):
            event: Object = msgspec.json.decode(line)
            if event["type"] in ("ADDED", "MODIFIED"):
                yield event["object"]

    async def events_of(self, namespace: str, uid: str) -> AsyncIterator[Object]:
        """The Events about the object of this UID, at most EVENTS_READ of them, in no order. Others than Kubernetes may
        have written them, of any size."""
        query, left = {"fieldSelector": f"regarding.uid={uid}"}, EVENTS_READ
        async for items, _, _ in reading.raw_pages(self._connection, EVENTS.path(namespace), query=query):
            for item in items[:left]:
                with contextlib.suppress(ValueError, RecursionError):
                    yield _event.decode(item)
            left -= len(items)
            del items
            if left <= 0:
                return

    async def create(self, resource: Resource, manifest: Object) -> Object:
        """Create an object."""
        namespace = manifest["metadata"]["namespace"]
        return await self._write(resource, "POST", resource.path(namespace), namespace, body=manifest)

    async def dry_run(self, resource: Resource, manifest: Object, *, warned: Callable[[str], None]) -> None:
        """Have the API server check an object as if it were created. `warned` is called with each of its warnings,
        whether it would take the object or not: of fields that it does not know and drops, of fields that are
        deprecated, of policies."""
        query = {"dryRun": "All", "fieldValidation": "Warn"}
        namespace = manifest["metadata"]["namespace"]
        path = resource.path(namespace)
        await self._write(resource, "POST", path, namespace, body=manifest, query=query, warned=warned)

    async def patch(self, resource: Resource, namespace: str, name: str, patch: Object) -> Object:
        """Merge `patch` into an object; a resourceVersion in it has to be the newest."""
        path = resource.path(namespace, name)
        return await self._write(resource, "PATCH", path, namespace, body=patch, content_type=MERGE_PATCH)

    async def patch_status(
        self, resource: Resource, namespace: str, name: str, status: Object, *, resource_version: str | None = None
    ) -> Object:
        """Merge `status` into an object's status; `resource_version`, if given, has to be the newest."""
        body: Object = {"status": status}
        if resource_version is not None:
            body["metadata"] = {"resourceVersion": resource_version}
        path = resource.path(namespace, name, "status")
        return await self._write(resource, "PATCH", path, namespace, body=body, content_type=MERGE_PATCH)

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str,
        resource_version: str | None = None,
        size: int | None = None,
    ) -> None:
        """Delete the object with this UID and, if given, this `resource_version`; `size` are its bytes, where that is
        known. Nothing happens when it is gone, was replaced by another of its name, or has changed since."""
        preconditions = {"uid": uid} | ({"resourceVersion": resource_version} if resource_version else {})
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": preconditions,
            "propagationPolicy": "Background",
        }
        with contextlib.suppress(MissingError, ConflictError):
            await self._write(resource, "DELETE", resource.path(namespace, name), namespace, body=body, size=size)

    async def _write(
        self,
        resource: Resource,
        method: str,
        path: str,
        namespace: str,
        *,
        body: Object,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        warned: Callable[[str], None] | None = None,
        size: int | None = None,
    ) -> Object:
        """Every write goes through here."""
        # The answer to a deletion may be of another kind.
        parse = msgspec.json.decode if method == "DELETE" else self._parse(resource)
        is_paced = resource not in (LEASES, EVENTS)
        if is_paced:
            await self._turn(resource, namespace, size)

        def measured(raw: bytes) -> Object:
            if is_paced and method != "DELETE":
                self._budget.written(namespace, resource.plural, len(raw))
            return parse(raw)

        call = partial(
            self._connection.call,
            method,
            path,
            body=body,
            query=query,
            content_type=content_type,
            warned=warned,
            parse=measured,
        )
        if resource is LEASES:
            return await call()
        write = asyncio.create_task(call(permit=self._guard))
        self._writing.add(write)
        write.add_done_callback(self._written)
        return await asyncio.shield(write)

    async def _turn(self, resource: Resource, namespace: str, size: int | None) -> None:
        """Wait until the namespace may have this write made."""
        seconds = self._budget.turn(namespace, resource.plural, size=size)
        if seconds > 0:
            self._paced()
            await asyncio.sleep(seconds)

    def _written(self, write: asyncio.Task[Object]) -> None:
        self._writing.discard(write)
        if not write.cancelled():
            write.exception()  # its caller may be gone: else asyncio logs an exception never retrieved
