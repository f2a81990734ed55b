"""Reads of the API server, and writes that are made only while this process may."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import msgspec

from taskyard.apiclient import MERGE_PATCH, ApiError, Connection, MissingError, Object, Parse
from taskyard.core.resources import EVENTS, LEASES, Resource
from taskyard.election.write_budget import WriteBudget
from taskyard.watchcache import reading
from taskyard.watchcache.kind import Kind, V
from taskyard.watchcache.reading import Event, Page

STATES_SECONDS = 300

# Namespace and plural of the write for which the present task has waited already, and the bytes that are taken for it.
_turn_taken: ContextVar[tuple[str, str, int] | None] = ContextVar("turn_taken", default=None)


class NotLeadingError(ApiError):
    """This process does not hold the Lease, or no longer holds it: nothing was written."""


class GuardedCluster:
    """What the processes that have a leader do at the API server. All raise ApiError.

    Before each write except those of the Lease, `guard` is called; it raises NotLeadingError unless this process may
    write. Writes, except of the Lease and of Events, wait for the turn that their namespace has by the `budget`;
    `paced` is called when they do. Whoever holds something that other namespaces need waits before, by `turn`. Of the
    objects of `kinds` only the fields of their shapes are returned. A write that has begun continues when its caller is
    cancelled: `settle` waits for it.
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
        self.connection = connection
        self._budget = budget or WriteBudget(clock=time.monotonic)
        self._paced = paced
        self._kinds = kinds or {}
        self._guard = guard
        self._writing: set[asyncio.Task[Object]] = set()

    def _parse(self, resource: Resource) -> Parse:
        kind = self._kinds.get(resource)
        return kind.parse if kind else msgspec.json.decode

    async def close(self) -> None:
        await self.connection.close()

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
            return await self.connection.call("GET", resource.path(namespace, name), parse=self._parse(resource))
        except MissingError:
            return None

    def pages(self, kind: Kind[V]) -> AsyncIterator[Page[V]]:
        """All objects of a kind, in pages."""
        return reading.pages(self.connection, kind)

    def watch(self, kind: Kind[V], resource_version: str) -> AsyncIterator[Event[V]]:
        """Events after `resource_version`, bookmarks among them, until the server ends the watch."""
        return reading.watch(self.connection, kind, resource_version)

    async def states(self, resource: Resource, namespace: str, name: str) -> AsyncIterator[Object]:
        """The states of an object from now on, the present one first, until the server ends the watch."""
        query = {"watch": "true", "fieldSelector": f"metadata.name={name}", "timeoutSeconds": str(STATES_SECONDS)}
        path, idle = resource.path(namespace), STATES_SECONDS + 30.0
        async for line in self.connection.stream(path, query=query, idle_timeout=idle):
            event: Object = msgspec.json.decode(line)
            if event["type"] in ("ADDED", "MODIFIED"):
                yield event["object"]

    async def create(self, resource: Resource, manifest: Object) -> Object:
        """Create an object."""
        namespace = manifest["metadata"]["namespace"]
        return await self.write(resource, "POST", resource.path(namespace), namespace, body=manifest)

    async def patch(self, resource: Resource, namespace: str, name: str, patch: Object) -> Object:
        """Merge `patch` into an object; a resourceVersion in it has to be the newest."""
        path = resource.path(namespace, name)
        return await self.write(resource, "PATCH", path, namespace, body=patch, content_type=MERGE_PATCH)

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
        """Merge `status` into an object's status; `resource_version`, if given, has to be the newest, and `uid` that of
        the object."""
        required = {"resourceVersion": resource_version, "uid": uid}
        metadata = {field: value for field, value in required.items() if value is not None}
        body: Object = {"metadata": metadata, "status": status} if metadata else {"status": status}
        path = resource.path(namespace, name, "status")
        return await self.write(resource, "PATCH", path, namespace, body=body, content_type=MERGE_PATCH)

    async def write(
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
        taken = await self._wait(resource, namespace, size) if is_paced else 0

        def measured(raw: bytes) -> Object:
            if is_paced and method != "DELETE":
                self._budget.written(namespace, resource.plural, len(raw), taken=taken)
            return parse(raw)

        call = partial(
            self.connection.call,
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

    @asynccontextmanager
    async def turn(self, resource: Resource, namespace: str) -> AsyncIterator[None]:
        """Waits for the turn of one write, and enters the block. The first write of that resource in that namespace
        which the block makes does not wait. To be entered before anything that others wait for, which would else be
        held while the namespace waits for itself."""
        taken = await self._wait(resource, namespace, None)
        before = _turn_taken.set((namespace, resource.plural, taken))
        try:
            yield
        finally:
            _turn_taken.reset(before)

    def pause(self, namespace: str) -> float:
        """Seconds until a write in the namespace would not have to wait for its turn."""
        return self._budget.pause(namespace)

    async def _wait(self, resource: Resource, namespace: str, size: int | None) -> int:
        """Return once the namespace may have this write made, with the bytes that are taken for it."""
        known = _turn_taken.get()
        if known is not None and known[:2] == (namespace, resource.plural):
            _turn_taken.set(None)
            return known[2]
        turn = self._budget.turn(namespace, resource.plural, size=size)
        if turn.seconds > 0:
            self._paced()
            await asyncio.sleep(turn.seconds)
        return turn.taken

    def _written(self, write: asyncio.Task[Object]) -> None:
        self._writing.discard(write)
        if not write.cancelled():
            write.exception()  # its caller may be gone: else asyncio logs an exception never retrieved
