"""A Task whose Pods are lost one after the other, as if their nodes were removed from the cluster."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from e2e.kubectl_namespace import KubectlNamespace


class PodLoss(threading.Thread):
    """Removes each Pod of the Task `hello` as soon as its build has succeeded, until the Task is in error.

    `failure` says what went wrong; `most_pods` is the largest number of Pods at one time; `lost_at` maps a Pod's name
    to the time of its loss. It takes two and a half minutes, mostly waiting.
    """

    UNTIL = 240.0

    def __init__(self, ns: KubectlNamespace) -> None:
        super().__init__(name="pod_loss", daemon=True)
        self.ns = ns
        self.failure = ""
        self.most_pods = 0
        self.lost_at: dict[str, datetime] = {}
        self._ended = threading.Event()

    def end(self) -> None:
        self._ended.set()
        self.join()

    def run(self) -> None:
        deadline = time.monotonic() + self.UNTIL
        try:
            while not self._is_given_up() and not self._ended.wait(0.5):
                assert time.monotonic() < deadline, f"the Task was not in error within {self.UNTIL:.0f} s"
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"

    def _is_given_up(self) -> bool:
        kube, namespace = self.ns.kube, self.ns.name
        pods = kube.list("pods", namespace)
        self.most_pods = max(self.most_pods, len(pods))
        for pod in pods:
            name = pod["metadata"]["name"]
            build = kube.get("workspacebuilds", namespace, name)
            if build is not None and build.get("status", {}).get("phase") == "Succeeded":
                kube.delete("pods", namespace, name, now=True)
                self.lost_at[name] = datetime.now(UTC)
        task = kube.get("tasks", namespace, "hello")
        return task is not None and task.get("status", {}).get("phase") == "Error"
