"""A client of the API server with an administrator's rights, for the gateway's tests: requests by path."""

import re
from pathlib import Path

from kube import Kube, Object


class Administrator:
    """Calls the API server with an administrator's rights; an unsuccessful answer fails the test."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kube = Kube(kubeconfig, seconds=20)
        self.server, self.authority, self.text = self._kube.server, self._kube.authority, self._kube.text

    def create(self, path: str, manifest: Object) -> Object:
        return self._kube.request("POST", path, manifest)

    def get(self, path: str) -> Object:
        return self._kube.request("GET", path)

    def find(self, path: str) -> Object | None:
        return self._kube.find(path)

    def counted(self) -> tuple[int, int]:
        """Requests that the API server has counted: for objects that a gateway shows, except long-running watches; and
        reviews of tokens and rights."""
        objects = reviews = 0
        for line in re.findall(r"^apiserver_request_total(\{.*)$", self.text("/metrics"), re.MULTILINE):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            count = int(float(line.rpartition(" ")[2]))
            if labels["resource"] in ("tokenreviews", "subjectaccessreviews"):
                reviews += count
            elif labels["verb"] != "WATCH" and (
                labels["group"] == "taskyard.dev" or labels["resource"] in ("pods", "configmaps")
            ):
                objects += count
        return objects, reviews

    def patch(self, path: str, change: Object) -> Object:
        return self._kube.request("PATCH", path, change, "application/merge-patch+json")

    def delete(self, path: str) -> None:
        self._kube.request("DELETE", f"{path}?gracePeriodSeconds=0")

    def close(self) -> None:
        self._kube.close()

    def token(self, namespace: str, account: str, *, audience: str, pod: Object | None = None) -> str:
        """A service account's token, bound to a Pod if one is given."""
        spec: Object = {"audiences": [audience], "expirationSeconds": 3600}
        if pod is not None:
            metadata = pod["metadata"]
            spec["boundObjectRef"] = {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": metadata["name"],
                "uid": metadata["uid"],
            }
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        token: str = self.create(path, request)["status"]["token"]
        return token
