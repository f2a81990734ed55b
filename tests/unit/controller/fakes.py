"""A cluster in memory: it stores what is written, and sends each watch its prepared events.

`failures` holds errors for the next calls of a verb, in order.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any

import msgspec

from taskyard.controller.cluster import ApiError, Cluster, ConflictError, MissingError
from taskyard.controller.turns import Turns
from taskyard.core.resources import EVENTS, Resource
from taskyard.watchcache import reading
from taskyard.watchcache.kind import Key, Kind, V
from taskyard.watchcache.reading import Event, Page
from unit.core.builders import merge

Object = dict[str, Any]


def api_error(status: int, reason: str = "", message: str = "no", *, causes: tuple[str, ...] = ()) -> ApiError:
    """The error that an answer with this status becomes."""
    kind = {404: MissingError, 409: ConflictError}.get(status, ApiError)
    return kind("TEST /x", message, status=status, reason=reason, causes=causes)


class FakeCluster(Cluster):
    """The methods of a Cluster that the operator's parts use, with one resourceVersion for all objects."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str | None, str], Object] = {}
        self.version = 1000
        self.failures: dict[str, list[ApiError]] = {}
        self.calls: list[tuple[str, str, str]] = []
        # What each watch in turn yields, an ApiError to raise, or None to stay silent until it is cancelled.
        self.watches: list[list[Object | ApiError | None]] = []
        self.watched_from: list[str] = []
        # What each dry run is warned of.
        self.warnings: list[str] = []
        # Name to UID of what had that name in the past.
        self.past: dict[str, str] = {}

    def hold(self, resource: Resource, manifest: Object) -> None:
        """Stores an object unchanged."""
        metadata = manifest["metadata"]
        self.objects[resource.plural, metadata.get("namespace"), metadata["name"]] = manifest
        self.version = max(self.version, int(metadata["resourceVersion"]))

    def check_leading(self) -> None:
        waiting = self.failures.get("check leading")
        if waiting:
            raise waiting.pop(0)

    def _called(self, verb: str, resource: Resource, name: str = "") -> None:
        self.calls.append((verb, resource.plural, name))
        waiting = self.failures.get(verb)
        if waiting:
            raise waiting.pop(0)

    def _stored(self, resource: Resource, manifest: Object) -> Object:
        self.version += 1
        manifest["metadata"]["resourceVersion"] = str(self.version)
        metadata = manifest["metadata"]
        self.objects[resource.plural, metadata.get("namespace"), metadata["name"]] = manifest
        return deepcopy(manifest)

    def _found(self, resource: Resource, namespace: str | None, name: str) -> Object:
        found = self.objects.get((resource.plural, namespace, name))
        if found is None:
            raise api_error(404, "NotFound")
        return deepcopy(found)

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        self._called("get", resource, name)
        try:
            return self._found(resource, namespace, name)
        except ApiError:
            return None

    async def uid_at(self, resource: Resource, namespace: str, name: str, *, resource_version: str) -> str | None:
        self._called(f"uid at {resource_version}", resource, name)
        return self.past.get(name)

    async def pages(self, kind: Kind[V]) -> AsyncIterator[Page[V]]:
        self._called("list", kind.resource)
        await asyncio.sleep(0)
        items = [manifest for key, manifest in self.objects.items() if key[0] == kind.resource.plural]
        # An empty list is a page too; otherwise each object is one.
        for page in [[item] for item in items] or [[]]:
            yield Page(iter([kind.of(item) for item in page]), str(self.version))

    def watch(self, kind: Kind[V], resource_version: str) -> AsyncIterator[Event[V]]:
        self.watched_from.append(resource_version)
        return self._events(kind, self.watches.pop(0) if self.watches else [None])

    async def _events(self, kind: Kind[V], events: list[Object | ApiError | None]) -> AsyncIterator[Event[V]]:
        for event in events:
            await asyncio.sleep(0)
            if event is None:
                await asyncio.Event().wait()
            elif isinstance(event, ApiError):
                raise event
            else:
                yield reading.event(kind, msgspec.json.encode(event))

    async def states(self, resource: Resource, namespace: str, name: str) -> AsyncIterator[Object]:
        """Looks every now and then, as a watch would tell."""
        told = None
        while True:
            found = self.objects.get((resource.plural, namespace, name))
            if found is not None and found is not told:
                told = found
                yield deepcopy(found)
            await asyncio.sleep(0.001)

    async def events_of(self, namespace: str, uid: str) -> AsyncIterator[Object]:
        self._called("list", EVENTS, uid)
        for found in [deepcopy(held) for key, held in self.objects.items() if key[0] == EVENTS.plural]:
            if found["regarding"]["uid"] == uid:
                yield found

    @asynccontextmanager
    async def turn(self, resource: Resource, namespace: str) -> AsyncIterator[None]:
        yield

    async def dry_run(self, resource: Resource, manifest: Object, *, warned: Callable[[str], None]) -> None:
        for text in self.warnings:
            warned(text)
        self._called("dry run", resource, manifest["metadata"]["name"])

    async def create(self, resource: Resource, manifest: Object) -> Object:
        name = manifest["metadata"]["name"]
        self._called("create", resource, name)
        if (resource.plural, manifest["metadata"]["namespace"], name) in self.objects:
            raise api_error(409, "AlreadyExists")
        made = deepcopy(manifest)
        made["metadata"] |= {"uid": f"uid-{self.version}", "creationTimestamp": "2026-01-31T12:00:00Z"}
        return self._stored(resource, made)

    async def patch(self, resource: Resource, namespace: str, name: str, patch: Object) -> Object:
        self._called("patch", resource, name)
        found = self._found(resource, namespace, name)
        for field in ("uid", "resourceVersion"):
            if patch.get("metadata", {}).get(field) not in (None, found["metadata"][field]):
                raise api_error(409, "Conflict")
        return self._stored(resource, merge(found, patch))

    async def patch_status(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        status: Object,
        *,
        resource_version: str | None = None,
        uid: str | None = None,
    ) -> Object:
        self._called("patch status", resource, name)
        found = self._found(resource, namespace, name)
        if resource_version not in (None, found["metadata"]["resourceVersion"]):
            raise api_error(409, "Conflict")
        if uid not in (None, found["metadata"]["uid"]):
            raise api_error(409, "Conflict")
        return self._stored(resource, merge(found, {"status": status}))

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
        self._called("delete", resource, name)
        found = self.objects.get((resource.plural, namespace, name))
        if found is None or found["metadata"]["uid"] != uid:
            return
        if resource_version in (None, found["metadata"]["resourceVersion"]):
            del self.objects[resource.plural, namespace, name]


class Changed:
    """Records the Tasks whose status was written."""

    def __init__(self) -> None:
        self.calls: list[Key] = []

    def __call__(self, key: Key) -> None:
        self.calls.append(key)


class Again:
    """Records the keys to be processed again, and when."""

    def __init__(self) -> None:
        self.calls: list[tuple[Key, float]] = []

    def __call__(self, key: Key, seconds: float) -> None:
        self.calls.append((key, seconds))


class FakeTurns(Turns):
    """Records the keys that wait for their turn, and from when on; it never comes by itself."""

    def __init__(self, again: Again) -> None:
        self._again = again

    def ask(self, key: Key, seconds: float = 0.0, *, turns: int = 1) -> bool:
        self._again(key, seconds)
        return False

    def leave(self, key: Key) -> None:
        pass


async def until(condition: Callable[[], bool], *, seconds: float = 2.0) -> None:
    """Wait until a condition holds; the test fails when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.002)
