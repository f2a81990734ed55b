"""Lets a test perform what scheduler and kubelet do to a Pod object, one step at a time."""

from __future__ import annotations

from typing import Any

from kube import Kube

NODE = "node-1"


class Kubelet:
    """Changes the Pods of one namespace."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace

    def bind(self, pod: str) -> None:
        """Binds a Pod to a node."""
        self._kube.request(
            "POST",
            self._kube.path("pods", self._namespace, pod, "binding"),
            {
                "apiVersion": "v1",
                "kind": "Binding",
                "metadata": {"name": pod},
                "target": {"apiVersion": "v1", "kind": "Node", "name": NODE},
            },
        )

    def run(self, pod: str, *, ready: bool, ip: str = "127.0.0.1") -> None:
        """Sets all containers to running; `ready` is the sidecar's readiness."""
        running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
        self.status(
            pod,
            phase="Running",
            podIP=ip,
            initContainerStatuses=[container("taskyard-sidecar", running, ready=ready)],
            containerStatuses=[container("agent", running, ready=True)],
        )

    def status(self, pod: str, **status: Any) -> None:
        """Writes any status."""
        self._kube.patch("pods", self._namespace, pod, {"status": status}, subresource="status")

    def enroll(self, task: str) -> None:
        """Writes what the gateway writes when the Task's sidecar enrols."""
        status = {"workspace": {"sidecarVersion": "0.1.0"}}
        self._kube.patch("tasks", self._namespace, task, {"status": status}, subresource="status")

    def remove(self, pod: str) -> None:
        """Removes a Pod that is being deleted, as if it had terminated."""
        self._kube.delete("pods", self._namespace, pod, now=True)


def container(name: str, state: dict[str, Any], *, ready: bool) -> dict[str, Any]:
    return {
        "name": name,
        "state": state,
        "ready": ready,
        "started": True,
        "restartCount": 0,
        "image": "",
        "imageID": "",
    }
