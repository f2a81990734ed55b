"""The one module of the gateway that talks to the API server."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from taskyard import __version__
from taskyard.apiclient import JSON, MERGE_PATCH, Connection, MissingError, Object, Parse, RequestObserver, connect
from taskyard.core.names import TASK_LABEL
from taskyard.core.resources import (
    CONFIG_MAPS,
    SECRETS,
    SUBJECT_ACCESS_REVIEWS,
    TASK_INPUTS,
    TASKS,
    TEMPLATE_VERSIONS,
    TOKEN_REVIEWS,
    WORKSPACE_BUILDS,
    Resource,
)
from taskyard.watchcache import reading
from taskyard.watchcache.kind import Kind, V, View
from taskyard.watchcache.reading import Event, Page


class Cluster:
    """Reads and writes of the gateway. Reads return None for an object that does not exist; all may raise ApiError.

    Methods with a parameter `token` write on behalf of the person whose token it is, over a connection without the
    gateway's own credentials. `request_id` becomes the `auditID` in the API server's audit log.
    """

    def __init__(self, connection: Connection, anonymous: Connection) -> None:
        self._connection = connection
        self._anonymous = anonymous

    @classmethod
    async def connect(cls, kubeconfig: str, *, observe: RequestObserver | None = None) -> "Cluster":
        """Connects to the API server of a kubeconfig; without one, to that of the Pod's service account or the user's
        kubeconfig."""
        agent = f"taskyard-gateway/{__version__}"
        own = await connect(user_agent=agent, kubeconfig=kubeconfig, observe=observe)
        return cls(own, await connect(user_agent=agent, kubeconfig=kubeconfig, observe=observe, anonymous=True))

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()
        await self._anonymous.close()

    async def secret(self, namespace: str, name: str) -> Object | None:
        """A Secret."""
        return await self._read(SECRETS, namespace, name)

    async def review_token(self, token: str, audience: str | None) -> Object:
        """The `status` of a TokenReview of `token` for `audience`; None stands for the API server's own audience."""
        review = await self._connection.call(
            "POST",
            TOKEN_REVIEWS.path(),
            body={
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenReview",
                "spec": {"token": token, **({"audiences": [audience]} if audience else {})},
            },
        )
        status: Object = review.get("status") or {}
        return status

    async def review_access(self, spec: Mapping[str, Any]) -> bool:
        """Whether a SubjectAccessReview of this `spec` allows."""
        review = await self._connection.call(
            "POST",
            SUBJECT_ACCESS_REVIEWS.path(),
            body={"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec},
        )
        return (review.get("status") or {}).get("allowed") is True

    def pages(self, kind: Kind[V]) -> AsyncIterator[Page[V]]:
        """All objects of a kind, in pages."""
        return reading.pages(self._connection, kind)

    def watch(self, kind: Kind[V], resource_version: str) -> AsyncIterator[Event[V]]:
        """Events after `resource_version`, until the API server ends the watch."""
        return reading.watch(self._connection, kind, resource_version)

    async def create_task(self, token: str, manifest: Object, *, request_id: str) -> Object:
        """Create a Task for a person (ConflictError if one of its name exists)."""
        path = TASKS.path(manifest["metadata"]["namespace"])
        return await self._as_person(token, "POST", path, body=manifest, request_id=request_id)

    async def create_input(self, token: str, manifest: Object, *, request_id: str) -> Object:
        """Create a TaskInput for a person (ConflictError if one of its name exists)."""
        path = TASK_INPUTS.path(manifest["metadata"]["namespace"])
        return await self._as_person(token, "POST", path, body=manifest, request_id=request_id)

    async def task_input(self, namespace: str, name: str) -> Object | None:
        """A TaskInput, with its content."""
        # The gateway may list them, which is the same right.
        query = {"fieldSelector": f"metadata.name={name}"}
        answer = await self._connection.call("GET", TASK_INPUTS.path(namespace), query=query)
        return next(iter(answer.get("items") or ()), None)

    async def template_version(self, namespace: str, name: str, *, parse: Parse) -> Object | None:
        """A TemplateVersion, as far as `parse` reads the list that it is in: its Pod may be large."""
        query = {"fieldSelector": f"metadata.name={name}"}
        answer = await self._connection.call("GET", TEMPLATE_VERSIONS.path(namespace), query=query, parse=parse)
        return next(iter(answer.get("items") or ()), None)

    async def patch_task(self, token: str, task: View, patch: Object, *, request_id: str) -> Object:
        """Merge `patch` into this Task for a person (ConflictError if another Task now has its name)."""
        metadata = {**patch.get("metadata", {}), "uid": task.uid}
        return await self._as_person(
            token,
            "PATCH",
            _task_path(task),
            body={**patch, "metadata": metadata},
            content_type=MERGE_PATCH,
            request_id=request_id,
        )

    async def delete_task(self, token: str, task: View, *, request_id: str) -> Object:
        """Delete this Task for a person (ConflictError if another Task now has its name)."""
        preconditions = {"uid": task.uid}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        return await self._as_person(token, "DELETE", _task_path(task), body=body, request_id=request_id)

    async def build(self, namespace: str, name: str) -> Object | None:
        """A WorkspaceBuild."""
        return await self._read(WORKSPACE_BUILDS, namespace, name)

    async def builds(self, namespace: str, task: str) -> list[Object]:
        """The WorkspaceBuilds with the Task's label."""
        answer = await self._connection.call(
            "GET",
            WORKSPACE_BUILDS.path(namespace),
            query={"labelSelector": f"{TASK_LABEL}={task}"},
        )
        items: list[Object] = answer.get("items") or []
        return items

    async def task(self, namespace: str, name: str) -> Object | None:
        """A Task."""
        return await self._read(TASKS, namespace, name)

    async def patch_task_status(self, namespace: str, name: str, *, resource_version: str, status: Object) -> None:
        """Merge `status` into the Task's, if it is still at `resource_version` (else ConflictError)."""
        await self._connection.call(
            "PATCH",
            TASKS.path(namespace, name, "status"),
            body={"metadata": {"resourceVersion": resource_version}, "status": status},
            content_type=MERGE_PATCH,
        )

    async def config_map(self, namespace: str, name: str) -> Object | None:
        """A ConfigMap."""
        return await self._read(CONFIG_MAPS, namespace, name)

    async def create_config_map(self, manifest: Object) -> None:
        """Create a ConfigMap (ConflictError if one of its name exists)."""
        await self._connection.call("POST", CONFIG_MAPS.path(manifest["metadata"]["namespace"]), body=manifest)

    async def patch_config_map(self, manifest: Object, *, resource_version: str, take_over: bool = False) -> None:
        """Merge the manifest's data and labels into a ConfigMap, if it is still at `resource_version`; with
        `take_over` also its owners."""
        metadata = manifest["metadata"]
        merged = ("labels", "ownerReferences") if take_over else ("labels",)
        await self._connection.call(
            "PATCH",
            CONFIG_MAPS.path(metadata["namespace"], metadata["name"]),
            body={
                "metadata": {"resourceVersion": resource_version} | {name: metadata[name] for name in merged},
                "data": manifest["data"],
            },
            content_type=MERGE_PATCH,
        )

    async def _as_person(
        self, token: str, method: str, path: str, *, body: Object, request_id: str, content_type: str = JSON
    ) -> Object:
        query = {"fieldManager": "taskyard-gateway"} if method != "DELETE" else None
        return await self._anonymous.call(
            method, path, body=body, query=query, content_type=content_type, bearer=token, audit_id=request_id
        )

    async def _read(self, resource: Resource, namespace: str, name: str) -> Object | None:
        try:
            return await self._connection.call("GET", resource.path(namespace, name))
        except MissingError:
            return None


def _task_path(task: View) -> str:
    return TASKS.path(task.namespace, task.name)
