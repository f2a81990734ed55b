"""The one module of the operator that talks to the API server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from taskyard import __version__
from taskyard.api import API_VERSION
from taskyard.apiclient import MERGE_PATCH, ApiError, ConflictError, Connection, MissingError, Object, connect

PAGE = 500
# A watch ends by itself after this time; quiet ones are kept open by bookmarks, about one a minute.
WATCH_SECONDS = 300
WATCH_IDLE_SECONDS = 330


@dataclass(frozen=True)
class Resource:
    """A kind as the API server's paths have it. `selector` bounds what lists and watches see."""

    prefix: str
    plural: str
    selector: str = ""

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        parts = [self.prefix]
        if namespace is not None:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        if name is not None:
            parts.append(name)
        if subresource is not None:
            parts.append(subresource)
        return "/".join(parts)


TASKS = Resource(f"/apis/{API_VERSION}", "tasks")
TEMPLATE_VERSIONS = Resource(f"/apis/{API_VERSION}", "templateversions")
WORKSPACE_BUILDS = Resource(f"/apis/{API_VERSION}", "workspacebuilds")
TASK_INPUTS = Resource(f"/apis/{API_VERSION}", "taskinputs")
PODS = Resource("/api/v1", "pods", selector="taskyard.dev/task")
CLAIMS = Resource("/api/v1", "persistentvolumeclaims", selector="taskyard.dev/task")
SECRETS = Resource("/api/v1", "secrets")
NAMESPACES = Resource("/api/v1", "namespaces")

__all__ = ["ApiError", "Cluster", "ConflictError", "MissingError", "Object", "Resource"]


class Cluster:
    """Reads and writes of the operator. All raise ApiError."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, kubeconfig: str) -> Cluster:
        """The API server of a kubeconfig; without one that of the Pod's service account, or the user's kubeconfig."""
        return cls(await connect(user_agent=f"taskyard-operator/{__version__}", kubeconfig=kubeconfig))

    async def close(self) -> None:
        await self._connection.close()

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        """An object; None when there is none."""
        try:
            return await self._connection.call("GET", resource.path(namespace, name))
        except MissingError:
            return None

    async def list(self, resource: Resource) -> tuple[list[Object], str]:
        """All objects of a kind, in pages, and the resourceVersion to watch from."""
        items: list[Object] = []
        query = {"limit": str(PAGE)} | ({"labelSelector": resource.selector} if resource.selector else {})
        while True:
            page = await self._connection.call("GET", resource.path(), query=query)
            items += page["items"]
            token = page["metadata"].get("continue")
            if not token:
                return items, page["metadata"]["resourceVersion"]
            query["continue"] = token

    def watch(self, resource: Resource, resource_version: str) -> AsyncIterator[Object]:
        """Events after `resource_version`, bookmarks among them, until the server ends the watch."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        if resource.selector:
            query["labelSelector"] = resource.selector
        return self._connection.stream(resource.path(), query=query, idle_timeout=WATCH_IDLE_SECONDS)

    async def create(self, resource: Resource, manifest: Object, *, dry_run: bool = False) -> Object:
        """Create an object. With `dry_run` everything is checked and nothing is stored."""
        query = {"dryRun": "All"} if dry_run else None
        return await self._connection.call(
            "POST", resource.path(manifest["metadata"]["namespace"]), body=manifest, query=query
        )

    async def patch(self, resource: Resource, namespace: str, name: str, patch: Object) -> Object:
        """Merge `patch` into an object; with a resourceVersion in it only if that is still the newest."""
        return await self._connection.call(
            "PATCH", resource.path(namespace, name), body=patch, content_type=MERGE_PATCH
        )

    async def patch_status(
        self, resource: Resource, namespace: str, name: str, status: Object, *, resource_version: str | None = None
    ) -> Object:
        """Merge `status` into an object's status; with `resource_version` only if that is still the newest."""
        body: Object = {"status": status}
        if resource_version is not None:
            body["metadata"] = {"resourceVersion": resource_version}
        return await self._connection.call(
            "PATCH", resource.path(namespace, name, "status"), body=body, content_type=MERGE_PATCH
        )

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str, resource_version: str | None = None
    ) -> None:
        """Delete this very object, not another of its name, and with `resource_version` only as it was then; one that
        is gone, or has changed, is left."""
        preconditions = {"uid": uid} | ({"resourceVersion": resource_version} if resource_version else {})
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        with contextlib.suppress(MissingError, ConflictError):
            await self._connection.call("DELETE", resource.path(namespace, name), body=body)
