"""Lists and watches of a kind."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic

import msgspec

from taskyard.apiclient import JSON, ApiError, Connection, TooLargeError
from taskyard.core.api_object import TOO_DEEP
from taskyard.watchcache import nesting
from taskyard.watchcache.kind import UNREADABLE, Kind, NameView, V

logger = logging.getLogger(__name__)

METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

# The API has pages of so many objects, not of so many bytes: the number follows the bytes that the last page had. A
# page beyond the limit is given up while it arrives, and asked for again with fewer objects.
FIRST_PAGE = 50
MAX_PAGE = 500
PAGE_BYTES = 3 << 20
MAX_PAGE_BYTES = 12 << 20
# A watch ends by itself after this time; bookmarks, about one a minute, keep quiet ones open.
WATCH_SECONDS = 300
WATCH_IDLE_SECONDS = 330


@dataclass(frozen=True)
class Page(Generic[V]):
    """Some objects of a list, in no order. `resource_version` is that of the whole list; `views` can be read once."""

    views: Iterator[V]
    resource_version: str


@dataclass(frozen=True)
class Event(Generic[V]):
    """An event of a watch: ADDED, MODIFIED or DELETED with a view, or BOOKMARK. `version` is the resourceVersion from
    which a watch can go on after it. `gone` is an object that was deleted, and of which more cannot be read."""

    type: str
    version: str
    view: V | None = None
    gone: NameView | None = None


class GoneError(ApiError):
    """The API server no longer knows what came after the resourceVersion: a new list is needed."""


class _ListMeta(msgspec.Struct, gc=False, rename="camel"):
    resource_version: str
    continue_: str | None = msgspec.field(name="continue", default=None)


class _List(msgspec.Struct, gc=False):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None  # null when there are none and only metadata is asked for


class _Line(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw


class _Marked(msgspec.Struct, gc=False):
    metadata: dict[str, Any]


_list = msgspec.json.Decoder(_List)
_line = msgspec.json.Decoder(_Line)
_marked = msgspec.json.Decoder(_Marked)


async def pages(connection: Connection, kind: Kind[V]) -> AsyncIterator[Page[V]]:
    """All objects of a kind, in pages of some MiB at most, of which one at a time is in memory. Raises ApiError."""
    resource = kind.resource
    accept = METADATA_LIST if resource.metadata_only else JSON
    async for items, resource_version, is_cut in raw_pages(
        connection, resource.path(), query=resource.bounds, accept=accept
    ):
        views = (view for item in items if (view := readable(kind, item, may_be_cut=is_cut)) is not None)
        yield Page(views, resource_version)
        # Nothing of this page may stay in memory while the next one arrives.
        del items, views


async def raw_pages(
    connection: Connection, path: str, *, query: Mapping[str, str], accept: str = JSON
) -> AsyncIterator[tuple[list[msgspec.Raw], str, bool]]:
    """The objects of a list in JSON, page by page, each with the resourceVersion of the list and whether values that
    were nested too deeply are cut off. Raises ApiError."""
    limit, token, what = FIRST_PAGE, "", f"GET {path}"
    while True:
        asked = {"limit": str(limit), **query, **({"continue": token} if token else {})}
        # A single object may have any size that the API server takes.
        bytes_allowed = MAX_PAGE_BYTES if limit > 1 else MAX_PAGE_BYTES * 4
        try:
            content = await connection.read(path, query=asked, accept=accept, limit=bytes_allowed)
        except TooLargeError:
            if limit == 1:
                raise
            limit = max(1, limit // 8)
            continue
        try:
            try:
                page, is_cut = _list.decode(content), False
            except RecursionError:
                page, is_cut = _list.decode(nesting.cut(content)), True
        except ValueError as error:
            raise ApiError(what, f"the API server's list cannot be read: {error}") from error
        items = page.items or []
        fitting = fitting_page(objects=len(items), size=len(content))
        yield items, page.metadata.resource_version, is_cut
        token = page.metadata.continue_ or ""
        if not token:
            return
        limit = min(fitting, limit * 4)
        del content, page, items


def readable(kind: Kind[V], raw: msgspec.Raw, *, may_be_cut: bool = False) -> V | None:
    """The view of an object; None, and a line of log, for one that cannot be read: no object may keep the others from
    being known."""
    try:
        if may_be_cut and nesting.is_cut(bytes(raw)):
            raise ValueError(TOO_DEEP)
        return kind.decode(raw)
    except UNREADABLE as error:
        where = "?"
        with contextlib.suppress(ValueError):
            metadata = _marked.decode(raw).metadata
            where = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
        logger.error("%s %s cannot be read and is left out: %s", kind.resource.plural, where, error)
        return None


def fitting_page(*, objects: int, size: int) -> int:
    """How many objects fill PAGE_BYTES where so many had `size` bytes, at most MAX_PAGE."""
    return max(1, min(PAGE_BYTES * max(objects, 1) // max(size, 1), MAX_PAGE))


async def watch(connection: Connection, kind: Kind[V], resource_version: str) -> AsyncIterator[Event[V]]:
    """Events after `resource_version`, bookmarks among them, until the server ends the watch. Raises ApiError, and
    GoneError when a new list is needed."""
    resource = kind.resource
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": resource_version,
        "timeoutSeconds": str(WATCH_SECONDS),
        **resource.bounds,
    }
    lines = connection.stream(
        resource.path(),
        query=query,
        idle_timeout=WATCH_IDLE_SECONDS,
        accept=METADATA if resource.metadata_only else JSON,
    )
    async for line in lines:
        yield event(kind, line)


def event(kind: Kind[V], line: bytes) -> Event[V]:
    """A line of a watch. Raises ApiError, GoneError among them. An object that is not of the kind's shape is one line
    of log and a bookmark, which says so if it is gone."""
    what = f"watch of {kind.resource.plural}"
    try:
        try:
            found, is_cut = _line.decode(line), False
        except RecursionError:
            found, is_cut = _line.decode(nesting.cut(line)), True
        if found.type == "ERROR":
            status = msgspec.json.decode(found.object, type=dict[str, Any])
            error = GoneError if status.get("code") == 410 else ApiError
            raise error(what, str(status.get("message", status)))
        view = None if found.type == "BOOKMARK" else readable(kind, found.object, may_be_cut=is_cut)
        if view is None:
            metadata = _marked.decode(found.object).metadata
            gone = NameView.of({"metadata": metadata}) if found.type == "DELETED" else None
            return Event("BOOKMARK", str(metadata["resourceVersion"]), gone=gone)
        return Event(found.type, str(view.version), view)
    except (ValueError, KeyError) as error:
        raise ApiError(what, f"it sent what cannot be read: {error}") from error
