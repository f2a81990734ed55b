"""A cache with objects, as watches fill it."""

import itertools
import json
from collections.abc import AsyncIterator
from typing import Any, cast

from taskyard.core import names
from taskyard.gateway.cluster import Cluster
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.task import TaskView, task_kind
from taskyard.gateway.rest.cache.prompts import Prompts

Object = dict[str, Any]

_versions = itertools.count(1)
_TASK = task_kind(lambda uid, version, prompt: None)


def metadata(name: str, *, uid: str = "", **more: Any) -> Object:
    return {
        "name": name,
        "namespace": "team",
        "uid": uid or f"uid-{name}",
        "resourceVersion": str(next(_versions)),
        "creationTimestamp": "2026-01-31T12:00:00Z",
        **more,
    }


def task(
    name: str = "hello",
    *,
    uid: str = "",
    namespace: str = "team",
    prompt: str = "say hello",
    paused: bool = False,
    deleting: bool = False,
    created_at: str = "2026-01-31T12:00:00Z",
    **status: Any,
) -> TaskView:
    """A Task; each call has a newer resourceVersion."""
    more = {"creationTimestamp": created_at, "namespace": namespace}
    if deleting:
        more["deletionTimestamp"] = "2026-01-31T13:00:00Z"
    spec = {"prompt": prompt, "templateVersion": "shell-v1", "paused": paused}
    manifest = {"metadata": metadata(name, uid=uid) | more, "spec": spec, "status": status}
    return _TASK.of(manifest)


def reserved(number: int = 1, *, transition: str = "Start", phase: str = "Pending") -> Object:
    """`status.build` of the Task hello."""
    created_at = "2026-01-31T12:00:00.000000Z"
    name, reason = f"hello-{number}", "Initial" if number == 1 else "Resume"
    build: Object = {"name": name, "number": number, "transition": transition, "reason": reason}
    return build | {"phase": phase, "createdAt": created_at}


def build(number: int = 1, *, phase: str = "Pending", transition: str = "Start") -> Object:
    """A WorkspaceBuild of the Task hello."""
    owner = names.owner_reference(name="hello", uid="uid-hello")
    spec = {"task": "hello", "number": number, "transition": transition, "reason": "Initial"}
    return {
        "metadata": metadata(f"hello-{number}", ownerReferences=[owner]),
        "spec": {**spec, "templateVersion": "shell-v1"},
        "status": {"phase": phase},
    }


def pod(number: int = 1, *, ip: str = "192.0.2.1") -> Object:
    """The Pod of the Task hello."""
    owner = names.owner_reference(name="hello", uid="uid-hello")
    labels = {names.TASK_LABEL: "hello"}
    return {
        "metadata": metadata(f"hello-{number}", uid=f"uid-pod-{number}", ownerReferences=[owner], labels=labels),
        "status": {"podIP": ip},
    }


def task_input(name: str = "one", *, owner: Object | None = None) -> Object:
    """A TaskInput for the Task hello."""
    owners = {"ownerReferences": [owner]} if owner else {}
    return {"metadata": metadata(name, **owners), "spec": {"task": "hello", "content": "go on"}, "status": {}}


def cache_with(*tasks: TaskView) -> Cache:
    cache = Cache()
    for entry in tasks:
        cache.tasks.keep(entry)
    return cache


class Tasks:
    """A cluster with the prompts of these Tasks, and those that were `read`."""

    def __init__(self, **prompts: str) -> None:
        self.prompts = prompts
        self.read: list[str] = []

    async def task(self, namespace: str, name: str) -> Object | None:
        self.read.append(name)
        if name not in self.prompts:
            return None
        return {"metadata": metadata(name), "spec": {"prompt": self.prompts[name]}}


def prompts_of(cache: Cache, cluster: Tasks | None = None) -> Prompts:
    return Prompts(cast(Cluster, cluster or Tasks()), cache.long_prompts)


async def every(pieces: AsyncIterator[bytes]) -> list[bytes]:
    return [piece async for piece in pieces]


def events(pieces: Any) -> list[tuple[str, Any, str]]:
    """Name, data and id of each event."""
    found = []
    for block in b"".join(pieces).decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"]), fields.get("id", "")))
    return found
