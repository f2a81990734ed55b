"""The one module of the operator that talks to the API server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypedDict

import msgspec

from taskyard import __version__
from taskyard.apiclient import ApiError, ConflictError, MissingError, Object, RequestObserver, connect
from taskyard.core.resources import EVENTS, Resource
from taskyard.election.guarded_cluster import GuardedCluster, NotLeadingError
from taskyard.watchcache import reading
from taskyard.watchcache.kind import Kind

__all__ = ["ApiError", "Cluster", "ConflictError", "MissingError", "NotLeadingError", "Object"]

# An object has a few dozen Events at most, since repetitions are counted in one.
EVENTS_READ = 500


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


class Cluster(GuardedCluster):
    """Reads and writes of the operator. All raise ApiError."""

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

    async def uid_at(self, resource: Resource, namespace: str, name: str, *, resource_version: str) -> str | None:
        """UID of the object that had a name at a resourceVersion of the past, None when there was none. An ApiError of
        status 410 means that the API server does not reach back so far: it keeps some minutes."""
        query = {
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": resource_version,
            "resourceVersionMatch": "Exact",
        }
        found = await self.connection.call("GET", resource.path(namespace), query=query, accept=reading.METADATA_LIST)
        items = found["items"] or []
        return str(items[0]["metadata"]["uid"]) if items else None

    async def events_of(self, namespace: str, uid: str) -> AsyncIterator[Object]:
        """The Events about the object of this UID, at most EVENTS_READ of them, in no order. Others than Kubernetes may
        have written them, of any size."""
        query, left = {"fieldSelector": f"regarding.uid={uid}"}, EVENTS_READ
        async for items, _, _ in reading.raw_pages(self.connection, EVENTS.path(namespace), query=query):
            for item in items[:left]:
                with contextlib.suppress(ValueError, RecursionError):
                    yield _event.decode(item)
            left -= len(items)
            del items
            if left <= 0:
                return

    async def dry_run(self, resource: Resource, manifest: Object, *, warned: Callable[[str], None]) -> None:
        """Have the API server check an object as if it were created. `warned` is called with each of its warnings,
        whether it would take the object or not: of fields that it does not know and drops, of fields that are
        deprecated, of policies."""
        query = {"dryRun": "All", "fieldValidation": "Warn"}
        namespace = manifest["metadata"]["namespace"]
        path = resource.path(namespace)
        await self.write(resource, "POST", path, namespace, body=manifest, query=query, warned=warned)

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
            await self.write(resource, "DELETE", resource.path(namespace, name), namespace, body=body, size=size)
