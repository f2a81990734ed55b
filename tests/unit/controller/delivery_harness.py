"""A Delivery with a Task, its inputs and what answers for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from taskyard.controller.cache.stores import Stores
from taskyard.controller.inputs.delivery import Delivery
from taskyard.core.input_bounds import Bounds
from taskyard.core.observed import Obstacle
from taskyard.core.resources import TASK_INPUTS
from taskyard.sidecarclient import Answer, Sidecars
from unit.controller.fakes import Again, FakeCluster
from unit.core.builders import at, input_manifest, pod_manifest, reservation, task_manifest

WEB = ("team", "web")
HOUR = timedelta(hours=1)
ACTIVE = {"phase": "Active", "build": reservation(phase="Succeeded")}


class Heard(Sidecars):
    """Sidecars with prepared answers that record what they received."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.messages: list[dict[str, str]] = []

    async def send(self, **message: str) -> Answer:
        self.messages.append(message)
        return self.answers.pop(0)


@dataclass
class DeliveryHarness:
    """A Task with its inputs, a cluster that holds them, and sidecars that answer."""

    inputs: list[dict[str, Any]]
    answers: tuple[Answer, ...] = ()
    task: dict[str, Any] | None = field(default_factory=lambda: task_manifest(status=ACTIVE))
    pod: dict[str, Any] | None = field(default_factory=pod_manifest)
    now: float = 0
    retention: timedelta = HOUR
    bounds: Bounds = field(default_factory=Bounds)

    def __post_init__(self) -> None:
        self.cluster, self.stores, self.again = FakeCluster(), Stores(), Again()
        self.sidecars = Heard(*self.answers)
        self.changed: list[tuple[str, str]] = []
        self.deadlines: dict[tuple[str, str], datetime | None] = {}
        # Inputs whose status could not be written, and why.
        self.told: list[tuple[str, Obstacle]] = []
        for entry in self.inputs:
            self.cluster.hold(TASK_INPUTS, entry)
            self.stores.inputs.put(entry)
        if self.task:
            self.stores.tasks.put(self.task)
            self.cluster.past["web"] = self.task["metadata"]["uid"]
        if self.pod:
            self.stores.pods.put(self.pod)
        self.delivery = Delivery(
            self.cluster,
            self.stores,
            self.sidecars,
            clock=lambda: at(self.now),
            again=self.again,
            deadline=self.deadlines.__setitem__,
            retention=self.retention,
            bounds=self.bounds,
            changed=self.changed.append,
            tell=lambda entry, obstacle: self.told.append((entry.name, obstacle)),
        )

    async def deliver(self) -> None:
        await self.delivery.deliver(WEB)

    def stored(self, name: str = "one") -> dict[str, Any]:
        return self.cluster.objects["taskinputs", "team", name]

    def status(self, name: str = "one") -> dict[str, Any]:
        return dict(self.stored(name)["status"])


def waiting(name: str = "one", **fields: Any) -> dict[str, Any]:
    """An input that has its position and its owner."""
    return input_manifest(name, status={"phase": "Queued", "order": 100, **fields.pop("status", {})}, **fields)
