"""The lists before kopf's watches, which the operator makes itself.

kopf passes each object of a list on like an event, which costs it a millisecond and a half; it does not say when a list
has ended, nor which objects it had known are missing in it. So kopf asks here instead: the store is made equal to a
list, and kopf watches from that list's resourceVersion on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import kopf
from kopf._cogs.clients import fetching  # no other way to watch without kopf's own list

from taskyard.backoff import Backoff
from taskyard.controller.cluster import ApiError, Cluster
from taskyard.controller.event_router import EventRouter
from taskyard.watchcache.reflector import list_into

logger = logging.getLogger(__name__)

RETRY_FIRST_SECONDS = 0.5
MAX_RETRY_SECONDS = 30.0

# Lists a kind by its plural, and returns the resourceVersion of the list.
ListKind = Callable[[str], Coroutine[Any, Any, str]]


class Lists:
    """Lists the kinds that kopf watches into their stores."""

    def __init__(self, cluster: Cluster, router: EventRouter) -> None:
        self._cluster = cluster
        self._watched = {store.kind.resource.plural: (store, changed) for store, changed in router.watched}
        self._listed = {plural: asyncio.Event() for plural in self._watched}

    async def list(self, plural: str) -> str:
        """Make a store equal to a new list, trying until it works. Returns the list's resourceVersion."""
        store, changed = self._watched[plural]
        backoff = Backoff(first=RETRY_FIRST_SECONDS, longest=MAX_RETRY_SECONDS, jitter=0.5)
        while True:
            try:
                version = await list_into(self._cluster, store, changed)
            except ApiError as error:
                delay = backoff.next()
                logger.warning("%s: %s; listing again in %.1f s", plural, error, delay)
                await asyncio.sleep(delay)
            else:
                self._listed[plural].set()
                return version

    async def listed(self) -> None:
        """Return once every kind has been listed."""
        for event in self._listed.values():
            await event.wait()


class Settings(kopf.OperatorSettings):
    """kopf's settings, and what lists in place of kopf. It is called in kopf's loop."""

    list_kind: ListKind


async def fetch_objs(*, settings: Settings, resource: Any, **_: Any) -> AsyncIterator[tuple[tuple[()], str]]:
    """What kopf calls for a list: one page without objects."""
    yield (), await settings.list_kind(resource.plural)


fetching.fetch_objs = fetch_objs  # type: ignore[assignment]
