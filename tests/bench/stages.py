"""How far Pods and Tasks have come, and when each stage was heard of."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import httpx

from kube import Kube, Object

CREATED, SCHEDULED, SANDBOX, RUNNING, READY = "created", "scheduled", "sandbox", "agent runs", "ready"
ACTIVE, PAUSED = "Active", "Paused"

_BY_CONDITION = {"PodScheduled": SCHEDULED, "PodReadyToStartContainers": SANDBOX, "Ready": READY}


def of_pod(pod: Object) -> set[str]:
    """The stages that a Pod has reached."""
    status = pod.get("status", {})
    found = {CREATED}
    for condition in status.get("conditions", ()):
        if condition["status"] == "True" and condition["type"] in _BY_CONDITION:
            found.add(_BY_CONDITION[condition["type"]])
    if any("running" in container.get("state", {}) for container in status.get("containerStatuses", ())):
        found.add(RUNNING)
    return found


def of_task(task: Object) -> set[str]:
    """The phase of a Task, with the number of its build: `Active 1`."""
    status = task.get("status", {})
    return {f"{status['phase']} {status['build']['number']}"} if "build" in status else set()


class Stages:
    """While entered, follows the Pods and Tasks of a namespace, and keeps the moment (time.monotonic) at which each of
    their stages was first heard of."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._kube = kube
        self._client = httpx.Client(base_url=kube.server, verify=kube.context, timeout=None, trust_env=False)
        self._moments: dict[tuple[str, str, str], float] = {}
        self._changed = threading.Condition()
        self._paths = {
            plural: (kube.path(plural, namespace), stages) for plural, stages in (("pods", of_pod), ("tasks", of_task))
        }
        self._over = False

    def __enter__(self) -> Self:
        for plural in self._paths:
            threading.Thread(target=self._follow, args=(plural,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._client.close()

    def at(self, plural: str, name: str, stage: str, seconds: float = 90) -> float:
        """The moment of a stage, which is waited for. Raises AssertionError after so many seconds."""
        key = (plural, name, stage)
        with self._changed:
            assert self._changed.wait_for(lambda: key in self._moments, seconds), f"{plural} {name} is not {stage}"
            return self._moments[key]

    def _follow(self, plural: str) -> None:
        path, stages = self._paths[plural]
        try:
            for found in self._events(path):
                self._hear(plural, found, stages)
        except httpx.HTTPError:
            assert self._over, f"the watch of {plural} broke off"

    def _events(self, path: str) -> Iterator[Object]:
        while not self._over:
            with self._client.stream("GET", path, params={"watch": "true"}) as response:
                for line in response.iter_lines():
                    yield json.loads(line)["object"]

    def _hear(self, plural: str, found: Object, stages: Callable[[Object], set[str]]) -> None:
        now, name = time.monotonic(), found["metadata"]["name"]
        with self._changed:
            for stage in stages(found):
                self._moments.setdefault((plural, name, stage), now)
            self._changed.notify_all()
