"""Lists and watches one kind into a store; a new list replaces its content, so that no object stays that was deleted
while the watch was down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from taskyard.apiclient import ApiError, Object
from taskyard.backoff import Backoff
from taskyard.watchcache.kind import Key, Kind, NameView, V, identities, key_of
from taskyard.watchcache.reading import MAX_PAGE, Event, GoneError, Page
from taskyard.watchcache.store import Store

logger = logging.getLogger(__name__)

RETRY_FIRST_SECONDS = 0.5
MAX_RETRY_SECONDS = 30.0
# A watch that ends sooner than this without an event is a fault: watching again at once would loop forever.
SHORT_WATCH_SECONDS = 1.0
# When more objects than this were missed, a list of them all costs less.
MAX_READ_SINGLY = 200


class Source(Protocol):
    """What lists and watches a kind (see `reading`). Both raise ApiError."""

    def pages(self, kind: Kind[Any]) -> AsyncIterator[Page[Any]]: ...

    def watch(self, kind: Kind[Any], resource_version: str) -> AsyncIterator[Event[Any]]: ...


@dataclass(frozen=True)
class Listed:
    """A list that has ended. A watch can go on at `resource_version`; where its objects are largest, `fitting` of them
    are a page."""

    resource_version: str
    fitting: int


async def list_into(source: Source, store: Store[V], changed: Callable[[V], None]) -> Listed:
    """Make a store equal to a new list; `changed` is called with what was added, changed or deleted. Raises ApiError;
    what was listed until then stays in the store."""
    listed: set[Key] = set()
    resource_version, fitting = "0", MAX_PAGE
    async for page in source.pages(store.kind):
        resource_version, fitting = page.resource_version, min(fitting, page.fitting)
        for view in page.views:
            listed.add(key_of(view))
            if store.keep(view):
                changed(view)
        # Decoding is quick, but a fleet is large: others get their turn.
        await asyncio.sleep(0)
    for view in store.unlisted(listed, listed_at=resource_version):
        changed(view)
    return Listed(resource_version, fitting)


async def relist_into(
    source: Source, store: Store[V], changed: Callable[[V], None], *, read: Callable[[Key], Awaitable[Object | None]]
) -> None:
    """Make a store equal to a new list, of which only those objects are read, by `read`, of which the store has no such
    state: for what is watched, and whose watch may have missed something. Raises ApiError."""
    listed: set[Key] = set()
    missed: list[Key] = []
    resource_version = "0"
    async for page in source.pages(identities(store.kind.resource)):
        resource_version = page.resource_version
        for found in page.views:
            key = key_of(found)
            listed.add(key)
            known = store.get(key)
            if known is None or known.version < found.version:
                missed.append(key)
        await asyncio.sleep(0)
    for gone in store.unlisted(listed, listed_at=resource_version):
        changed(gone)
    if len(missed) > MAX_READ_SINGLY:
        await list_into(source, store, changed)
        return
    for key in missed:
        manifest = await read(key)
        view = store.kind.of(manifest) if manifest else None
        if view is not None and store.keep(view):
            changed(view)


class Reflector(Generic[V]):
    """Keeps `store` equal to what the API server has; calls `changed` with each object that is added, changed or
    deleted, and `restarted` with the kind's plural whenever the watch could not continue."""

    def __init__(
        self,
        source: Source,
        store: Store[V],
        changed: Callable[[V], None],
        *,
        restarted: Callable[[str], None] = lambda plural: None,
    ) -> None:
        self._source = source
        self._store = store
        self._plural = store.kind.resource.plural
        self._changed = changed
        self._restarted = restarted
        self.listed = asyncio.Event()
        self._backoff = Backoff(first=RETRY_FIRST_SECONDS, longest=MAX_RETRY_SECONDS, jitter=0.5)

    async def run(self) -> None:
        """Run until cancelled. A fault is one line of log, and the retry comes later each time until a watch holds."""
        while True:
            try:
                await self._follow(await self._list())
            except GoneError as error:
                logger.debug("%s: %s; listing again", self._plural, error)
            except ApiError as error:
                delay = self._backoff.next()
                logger.warning("%s: %s; listing again in %.1f s", self._plural, error, delay)
                await asyncio.sleep(delay)

    async def _list(self) -> str:
        if self.listed.is_set():
            self._restarted(self._plural)
        found = await list_into(self._source, self._store, self._changed)
        self.listed.set()
        return found.resource_version

    async def _follow(self, resource_version: str) -> None:
        """Watch after watch, each from where the last one ended. Raises ApiError, GoneError when a list is needed."""
        loop = asyncio.get_running_loop()
        while True:
            began, told = loop.time(), False
            async for event in self._source.watch(self._store.kind, resource_version):
                resource_version = event.version
                told = True
                self._backoff.reset()
                if event.view is not None:
                    self._take(event.type, event.view)
                elif event.gone is not None:
                    self._forget(event.gone)
            if told or loop.time() - began >= SHORT_WATCH_SECONDS:
                self._backoff.reset()
            else:
                raise ApiError(f"watch of {self._plural}", "it ended at once")

    def _forget(self, gone: NameView) -> None:
        known = self._store.get(key_of(gone))
        self._store.deleted(gone)
        if known is not None and known.uid == gone.uid:
            self._changed(known)

    def _take(self, kind: str, view: V) -> None:
        if kind == "DELETED":
            self._store.deleted(view)
            self._changed(view)
        elif self._store.keep(view):
            self._changed(view)
