"""All that there is of a Task, to be compared later: objects, Pod, conversation, and what the REST API says of it."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from e2e.kubectl_namespace import KubectlNamespace
from e2e.wireclient import TasksClient
from localcluster import install

Object = dict[str, Any]
SIDECAR = "taskyard-sidecar"
_MESSAGES = """if True:
    import os, ssl, sys, urllib.request
    tls = ssl.create_default_context(cadata=os.environ["TASKYARD_CA_CERTIFICATE"])
    # The certificate's name is the Pod's UID.
    tls.check_hostname = False
    key = {"Authorization": f"Bearer {sys.argv[1]}"}
    request = urllib.request.Request("https://127.0.0.1:8484/messages", headers=key)
    print(urllib.request.urlopen(request, context=tls, timeout=10).read().decode())
"""


@dataclass(frozen=True)
class TaskPicture:
    """One Task at a moment, in plain values; `messages` are those that its sidecar has, None without a Pod.

    Where sidecar or REST API refuse to answer, their refusal stands.
    """

    status: Object
    builds: list[Object]
    pods: list[Object]
    claim: str
    inputs: list[Object]
    snapshot: Object
    messages: list[Object] | str | None
    rest: Object

    @classmethod
    def of(cls, ns: KubectlNamespace, task: str, client: TasksClient) -> TaskPicture:
        kube = ns.kube
        found = kube.get("tasks", ns.name, task)
        claim = kube.get("persistentvolumeclaims", ns.name, f"{task}-home")
        snapshot = kube.get("configmaps", ns.name, f"{task}-snapshot")
        assert found is not None and claim is not None and snapshot is not None
        there = pods(ns, task)
        return cls(
            status=_status(found["status"]),
            builds=[_build(build) for build in _of_task(kube.list("workspacebuilds", ns.name), task)],
            pods=there,
            claim=claim["metadata"]["uid"],
            inputs=[_input(entry) for entry in kube.list("taskinputs", ns.name) if entry["spec"]["task"] == task],
            snapshot=snapshot["data"],
            messages=_answer(lambda: messages(ns, there[0]["name"])) if there else None,
            rest={"task": client.task(task), "logs": _answer(lambda: client.logs(task))},
        )

    @property
    def conversation(self) -> list[Object]:
        """The messages as the snapshot has them."""
        found: list[Object] = json.loads(self.snapshot["snapshot.json"])["data"]["messages"]
        return found

    def kept_in(self, later: TaskPicture) -> TaskPicture:
        """The later picture without what newer versions add to objects: equal to this one, when nothing has changed."""
        return TaskPicture(**{name: _like(value, vars(later)[name]) for name, value in vars(self).items()})


def at_rest(
    ns: KubectlNamespace, tasks: tuple[str, ...], client: TasksClient, *, seconds: float = 60
) -> dict[str, TaskPicture]:
    """Pictures of Tasks of which nothing changes any more for a moment."""
    end, former = time.monotonic() + seconds, None
    while True:
        pictures = {task: TaskPicture.of(ns, task, client) for task in tasks}
        if pictures == former:
            return pictures
        assert time.monotonic() < end, f"they are not at rest within {seconds} s: {former} and then {pictures}"
        former = pictures
        # Longer than a sidecar waits before it stores a snapshot.
        time.sleep(3)


def pods(ns: KubectlNamespace, task: str) -> list[Object]:
    """The Task's Pods: `name`, `uid`, and for each of their `containers` its id, image and restarts."""
    return [_pod(pod) for pod in _of_task(ns.kube.list("pods", ns.name), task)]


def messages(ns: KubectlNamespace, pod: str) -> list[Object]:
    """The conversation as the sidecar in this Pod has it."""
    found, keys = ns.kube.get("pods", ns.name, pod), ns.kube.get("secrets", install.NAMESPACE, "taskyard-keys")
    assert found is not None and keys is not None
    # As the contract has it, and not as this tree makes it: the sidecar may be an older one.
    key = hmac.digest(base64.b64decode(keys["data"]["master.key"]), found["metadata"]["uid"].encode(), "sha256").hex()
    answer = ns.kubectl("exec", pod, "--container", SIDECAR, "--", "python3", "-c", _MESSAGES, key)
    conversation: list[Object] = json.loads(answer)["messages"]
    return conversation


def _answer(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except AssertionError as refusal:
        return str(refusal)


def _status(status: Object) -> Object:
    """Without the generation that the operator has looked at, and the wording of conditions."""
    conditions = {
        entry["type"]: {name: entry[name] for name in ("status", "reason", "lastTransitionTime")}
        for entry in status["conditions"]
    }
    return {**status, "observedGeneration": None, "conditions": conditions}


def _build(build: Object) -> Object:
    return _identity(build) | {"spec": build["spec"], "status": build["status"]}


def _pod(pod: Object) -> Object:
    spec, status = pod["spec"], pod["status"]
    # An image has several names, and the status has any of them.
    images = {entry["name"]: entry["image"] for entry in spec["initContainers"] + spec["containers"]}
    return _identity(pod) | {
        "containers": {
            entry["name"]: {
                "id": entry.get("containerID"),
                "image": images[entry["name"]],
                "restarts": entry["restartCount"],
            }
            for entry in status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
        },
    }


def _of_task(objects: list[Object], task: str) -> list[Object]:
    return [entry for entry in objects if entry["metadata"]["labels"].get("taskyard.dev/task") == task]


def _input(entry: Object) -> Object:
    status = entry["status"]
    return _identity(entry) | {"phase": status["phase"], "deliveredAt": status.get("deliveredAt")}


def _identity(entry: Object) -> Object:
    return {"name": entry["metadata"]["name"], "uid": entry["metadata"]["uid"]}


def _like(before: Any, after: Any) -> Any:
    """`after` with those keys of its objects alone that `before` has too."""
    if isinstance(before, dict) and isinstance(after, dict):
        return {key: _like(value, after[key]) for key, value in before.items() if key in after}
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [_like(one, other) for one, other in zip(before, after, strict=True)]
    return after
