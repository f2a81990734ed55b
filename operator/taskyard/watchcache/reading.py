"""Lists and watches of a kind."""

from __future__ import annotations

from collections.abc import AsyncIterator

from taskyard.apiclient import JSON, Connection, Object
from taskyard.core.resources import Resource

METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

PAGE = 500
# A watch ends by itself after this time; bookmarks, about one a minute, keep quiet ones open.
WATCH_SECONDS = 300
WATCH_IDLE_SECONDS = 330


async def list_all(connection: Connection, resource: Resource) -> tuple[list[Object], str]:
    """All objects of a kind, in pages, and the resourceVersion to watch from. Raises ApiError."""
    items: list[Object] = []
    query = {"limit": str(PAGE)} | resource.bounds
    while True:
        page = await connection.call(
            "GET", resource.path(), query=query, accept=METADATA_LIST if resource.metadata_only else JSON
        )
        items += page["items"] or []  # null when there are none and only metadata is asked for
        token = page["metadata"].get("continue")
        if not token:
            return items, page["metadata"]["resourceVersion"]
        query["continue"] = token


def watch(connection: Connection, resource: Resource, resource_version: str) -> AsyncIterator[Object]:
    """Events after `resource_version`, bookmarks among them, until the server ends the watch. Raises ApiError."""
    query = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": resource_version,
        "timeoutSeconds": str(WATCH_SECONDS),
        **resource.bounds,
    }
    return connection.stream(
        resource.path(),
        query=query,
        idle_timeout=WATCH_IDLE_SECONDS,
        accept=METADATA if resource.metadata_only else JSON,
    )
