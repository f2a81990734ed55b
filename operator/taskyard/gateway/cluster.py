"""The one module of the gateway that talks to the API server."""

from urllib.parse import quote

from taskyard import __version__
from taskyard.api import API_VERSION
from taskyard.apiclient import MERGE_PATCH, Connection, MissingError, Object, RequestObserver, connect

_GROUP = f"/apis/{API_VERSION}"


class Cluster:
    """Reads and writes of the gateway. Reads answer None for what does not exist; all may raise ApiError."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    async def connect(cls, kubeconfig: str, *, observe: RequestObserver | None = None) -> "Cluster":
        """The API server of a kubeconfig; without one that of the Pod's service account, or the user's kubeconfig."""
        return cls(await connect(user_agent=f"taskyard-gateway/{__version__}", kubeconfig=kubeconfig, observe=observe))

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()

    async def secret(self, namespace: str, name: str) -> Object | None:
        """A Secret."""
        return await self._read(f"/api/v1/namespaces/{quote(namespace)}/secrets/{quote(name)}")

    async def review_token(self, token: str, audience: str) -> Object:
        """The `status` of a TokenReview of `token` for `audience`."""
        review = await self._connection.call(
            "POST",
            "/apis/authentication.k8s.io/v1/tokenreviews",
            body={
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenReview",
                "spec": {"token": token, "audiences": [audience]},
            },
        )
        status: Object = review.get("status") or {}
        return status

    async def build(self, namespace: str, name: str) -> Object | None:
        """A WorkspaceBuild."""
        return await self._read(f"{_GROUP}/namespaces/{quote(namespace)}/workspacebuilds/{quote(name)}")

    async def builds(self, namespace: str, task: str) -> list[Object]:
        """The WorkspaceBuilds that are labelled as the Task's."""
        answer = await self._connection.call(
            "GET",
            f"{_GROUP}/namespaces/{quote(namespace)}/workspacebuilds",
            query={"labelSelector": f"taskyard.dev/task={task}"},
        )
        items: list[Object] = answer.get("items") or []
        return items

    async def task(self, namespace: str, name: str) -> Object | None:
        """A Task."""
        return await self._read(f"{_GROUP}/namespaces/{quote(namespace)}/tasks/{quote(name)}")

    async def patch_task_status(self, namespace: str, name: str, *, resource_version: str, status: Object) -> None:
        """Merge `status` into the Task's, if it is still at `resource_version` (else ConflictError)."""
        await self._connection.call(
            "PATCH",
            f"{_GROUP}/namespaces/{quote(namespace)}/tasks/{quote(name)}/status",
            body={"metadata": {"resourceVersion": resource_version}, "status": status},
            content_type=MERGE_PATCH,
        )

    async def config_map(self, namespace: str, name: str) -> Object | None:
        """A ConfigMap."""
        return await self._read(f"/api/v1/namespaces/{quote(namespace)}/configmaps/{quote(name)}")

    async def create_config_map(self, manifest: Object) -> None:
        """Create a ConfigMap (ConflictError when there is one of its name)."""
        namespace = manifest["metadata"]["namespace"]
        await self._connection.call("POST", f"/api/v1/namespaces/{quote(namespace)}/configmaps", body=manifest)

    async def patch_config_map(self, manifest: Object, *, resource_version: str) -> None:
        """Merge the manifest's data and labels into a ConfigMap, if it is still at `resource_version`."""
        metadata = manifest["metadata"]
        await self._connection.call(
            "PATCH",
            f"/api/v1/namespaces/{quote(metadata['namespace'])}/configmaps/{quote(metadata['name'])}",
            body={
                "metadata": {"resourceVersion": resource_version, "labels": metadata["labels"]},
                "data": manifest["data"],
            },
            content_type=MERGE_PATCH,
        )

    async def _read(self, path: str) -> Object | None:
        try:
            return await self._connection.call("GET", path)
        except MissingError:
            return None
