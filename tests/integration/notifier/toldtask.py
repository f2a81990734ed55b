"""A Task of which notifications tell: its status is written as operator and gateway write it."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import manifests
from kube import Kube
from taskyard.core import input_required, names, times

Object = dict[str, Any]


def now() -> str:
    return times.micro(datetime.now(UTC))


@dataclass(frozen=True)
class Happened:
    """What may be told of a Task. `key` tells two of one build and event apart: a state's time, a question's id, an
    error's time. `second` is that of a state, a question or an error, of which conditions know no more."""

    event: str
    build: int
    key: str = ""
    second: str = field(default="", compare=False)


class ToldTask:
    """One Task, with its builds."""

    def __init__(self, kube: Kube, namespace: str, name: str = "hello", **labels: str) -> None:
        self._kube = kube
        self.namespace = namespace
        self.name = name
        manifest = manifests.task(name, displayName=f"Say {name}")
        manifest["metadata"]["labels"] = labels
        self.uid = str(kube.create("tasks", namespace, manifest)["metadata"]["uid"])
        self.number = 0
        # In order.
        self.history: list[Happened] = []

    @property
    def status(self) -> Object:
        found = self._kube.get("tasks", self.namespace, self.name)
        assert found is not None
        return dict(found["status"])

    @property
    def version(self) -> str:
        """The resourceVersion, which every write changes."""
        found = self._kube.get("tasks", self.namespace, self.name)
        assert found is not None
        return str(found["metadata"]["resourceVersion"])

    def told(self, sink: str = "hook") -> Object:
        """What the status says that a sink was told; empty when it says nothing."""
        return next((entry for entry in self.status.get("notifications", ()) if entry["sink"] == sink), {})

    def wait_sent(self, event: str, sink: str = "hook") -> None:
        """Returns once the status says that this is what the sink has taken last."""
        what = f"{event} is on record for {sink}"
        self._kube.wait(
            what, "tasks", self.namespace, self.name, lambda _: self.told(sink).get("sent", {}).get("event") == event
        )

    def write(self, **status: Any) -> None:
        """Merges this into the status."""
        self._kube.patch("tasks", self.namespace, self.name, {"status": status}, subresource="status")

    def start(self, reason: str = "Initial") -> None:
        """A start, until the agent has answered."""
        build = self._reserve("Start", reason)
        self._finish(build)
        if reason == "Resume":
            self.history.append(Happened("Resumed", self.number))
        self.write(
            phase="Active",
            state=None,
            workspace={"status": "Running", "agentLifecycle": "Ready", "appHealth": "Healthy", "activeAt": now()},
        )

    def stop(self, reason: str = "ManualPause") -> None:
        """A stop, until the Task is paused."""
        build = self._reserve("Stop", reason)
        self._finish(build)
        self.history.append(Happened("Paused", self.number))
        self.write(phase="Paused", workspace={"status": "Stopped", "agentLifecycle": "Off", "appHealth": None})

    def report(self, state: str, message: str = "", uri: str = "") -> str:
        """The agent's state, as the gateway writes it. Returns its time."""
        at = now()
        build = self.number
        self.write(state={"state": state, "message": message, "uri": uri, "timestamp": at, "build": build})
        self.history.append(Happened(state, build, at, times.rfc3339(times.parse(at))))
        return at

    def ask(self, message: str | None) -> None:
        """A question of the agent's; None when it is answered."""
        at = self._condition(
            "InputRequired",
            "True" if message else "False",
            "PermissionRequested" if message else "NothingAsked",
            message or "The agent asks nothing.",
        )
        if message:
            self.history.append(Happened("InputRequired", self.number, input_required.question_id(message), at))

    def fail(self, reason: str, message: str) -> None:
        """The Task cannot go on, until a build begins."""
        at = self._condition("Stalled", "True", reason, message, phase="Error")
        self.history.append(Happened("Error", self.number, times.micro(times.parse(at)), at))

    def delete(self) -> None:
        """Deletes it with its builds, as the garbage collection does."""
        self._kube.delete("tasks", self.namespace, self.name)
        for number in range(1, self.number + 1):
            self._kube.delete("workspacebuilds", self.namespace, names.build_name(self.name, number))

    def _condition(self, type_: str, status: str, reason: str, message: str, **fields: Any) -> str:
        """Writes a condition, and `fields` of the status with it. Returns its time."""
        others = [one for one in self.status.get("conditions", ()) if one["type"] != type_]
        at = times.rfc3339(datetime.now(UTC))
        condition = {
            "type": type_,
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": at,
        }
        self.write(conditions=[*others, condition], **fields)
        return at

    def _reserve(self, transition: str, reason: str) -> Object:
        """Reserves a build and creates it, in this order, as the operator does: with the reservation a question is no
        longer asked, and an error is over."""
        self.number += 1
        name = names.build_name(self.name, self.number)
        build = {"name": name, "number": self.number, "transition": transition, "reason": reason}
        former = [one for one in self.status.get("conditions", ()) if one["type"] != "Stalled"]
        at = times.rfc3339(datetime.now(UTC))
        conditions = input_required.with_question(former, asked=None, generation=1, now=at) or former
        self.write(
            observedUID=self.uid,
            phase="Pausing" if transition == "Stop" else "Pending",
            conditions=conditions,
            build={**build, "phase": "Pending", "createdAt": now()},
        )
        self._kube.create(
            "workspacebuilds",
            self.namespace,
            {
                "apiVersion": "taskyard.dev/v1alpha1",
                "kind": "WorkspaceBuild",
                "metadata": {
                    "name": name,
                    "ownerReferences": [names.owner_reference(name=self.name, uid=self.uid)],
                },
                "spec": {
                    "task": self.name,
                    "number": self.number,
                    "transition": transition,
                    "reason": reason,
                    "templateVersion": "shell-v1",
                    "promptSHA256": "0" * 64,
                },
            },
        )
        return build

    def _finish(self, build: Object) -> None:
        status = {"phase": "Succeeded", "finishedAt": times.rfc3339(datetime.now(UTC))}
        self._kube.patch("workspacebuilds", self.namespace, build["name"], {"status": status}, subresource="status")
        self.write(build={"phase": "Succeeded"})


class Written:
    """How often somebody has written."""

    count = 0


@contextlib.contextmanager
def writing(task: ToldTask) -> Iterator[Written]:
    """While the Task's status is written all the time, by a merge patch, as operator and gateway do it."""
    end, chance, written = threading.Event(), random.Random(1), Written()

    def write() -> None:
        while not end.is_set():
            written.count += 1
            task.write(inputs={"queued": 0, "delivered": written.count}, idleDeadline=now())
            time.sleep(chance.uniform(0, 0.03))

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield written
    finally:
        end.set()
        thread.join(20)
