"""Lists and watches one kind into a store; a new list replaces its content, so that no object stays that was deleted
while the watch was down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Generic, Protocol

from taskyard.apiclient import ApiError
from taskyard.backoff import Backoff
from taskyard.watchcache.kind import Key, Kind, NameView, V, View, key_of
from taskyard.watchcache.reading import Event, GoneError, Page
from taskyard.watchcache.store import Store

logger = logging.getLogger(__name__)

RETRY_FIRST_SECONDS = 0.5
MAX_RETRY_SECONDS = 30.0
# A watch that ends sooner than this without an event is a fault: watching again at once would loop forever.
SHORT_WATCH_SECONDS = 1.0


class Source(Protocol):
    """What lists and watches a kind (see `reading`). Both raise ApiError."""

    def pages(self, kind: Kind[Any]) -> AsyncIterator[Page[Any]]: ...

    def watch(self, kind: Kind[Any], resource_version: str) -> AsyncIterator[Event[Any]]: ...


async def list_into(source: Source, store: Store[V], changed: Callable[[V], None]) -> str:
    """Make a store equal to a new list; `changed` is called with what was added, changed or deleted. Returns the
    resourceVersion from which a watch can go on. Raises ApiError; what was listed until then stays in the store."""
    listed: set[Key] = set()
    resource_version = "0"
    async for page in source.pages(store.kind):
        resource_version = page.resource_version
        for view in page.views:
            listed.add(key_of(view))
            with told(store, view):
                if store.keep(view, is_listed=True):
                    changed(view)
        # Decoding is quick, but a fleet is large: others get their turn.
        await asyncio.sleep(0)
    for view in store.unlisted(listed, listed_at=resource_version):
        with told(store, view):
            changed(view)
    return resource_version


@contextlib.contextmanager
def told(store: Store[Any], view: View) -> Iterator[None]:
    """A defect in taking one object is told with its trace, and keeps no other object from being known."""
    try:
        yield
    except Exception:
        logger.exception("%s %s/%s: defect", store.kind.resource.plural, view.namespace, view.name)


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
                # Everyday life, unless it comes again after each list.
                delay = self._backoff.next()
                logger.debug("%s: %s; listing again in %.1f s", self._plural, error, delay)
                await asyncio.sleep(delay)
            except ApiError as error:
                delay = self._backoff.next()
                logger.warning("%s: %s; listing again in %.1f s", self._plural, error, delay)
                await asyncio.sleep(delay)

    async def _list(self) -> str:
        if self.listed.is_set():
            self._restarted(self._plural)
        resource_version = await list_into(self._source, self._store, self._changed)
        self.listed.set()
        return resource_version

    async def _follow(self, resource_version: str) -> None:
        """Watch after watch, each from where the last one ended. Raises ApiError, GoneError when a list is needed."""
        loop = asyncio.get_running_loop()
        while True:
            began, has_told = loop.time(), False
            async for event in self._source.watch(self._store.kind, resource_version):
                resource_version = event.version
                has_told = True
                self._backoff.reset()
                if event.view is not None:
                    with told(self._store, event.view):
                        self._take(event.type, event.view)
                elif event.gone is not None:
                    with told(self._store, event.gone):
                        self._forget(event.gone)
            if has_told or loop.time() - began >= SHORT_WATCH_SECONDS:
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
