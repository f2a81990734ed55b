"""A notifier's parts around a cluster and a receiver in memory, for a clock that moves on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from taskyard.api.notificationsink import EVENTS
from taskyard.core.notifications.due import Notification
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.core.resources import NOTIFICATION_SINKS, TASKS, WORKSPACE_BUILDS, Resource
from taskyard.core.times import micro, rfc3339
from taskyard.notifier.cache import Cache
from taskyard.notifier.cluster import ApiError, Cluster, ConflictError, MissingError
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.metrics import Metrics
from taskyard.notifier.parts import Parts
from taskyard.notifier.records import Records
from taskyard.notifier.senders import Message, Senders
from taskyard.notifier.sink_status import SinkStatus
from taskyard.notifier.sinks import Sinks
from unit.core.builders import NOW, TASK_UID, at, build_manifest, merge, reservation, task_manifest

Object = dict[str, Any]


def sink_manifest(
    name: str = "hook", *, uid: str = "", test: str | None = None, second: int = -60, **spec: Any
) -> Object:
    """A sink that wants to be told everything, created `second` seconds after NOW."""
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "NotificationSink",
        "metadata": {
            "name": name,
            "namespace": "team",
            "uid": uid or f"sink-{name}",
            "generation": 1,
            "resourceVersion": "1",
            "creationTimestamp": rfc3339(at(second)),
            "annotations": {"taskyard.dev/test": test} if test else {},
        },
        "spec": {
            "type": "Webhook",
            "secretRef": {"name": name, "key": "url", "signingKey": "signing-secret"},
            "events": list(EVENTS),
            "maxPerMinute": 600,
            **spec,
        },
    }


def told_task(
    name: str = "web", *, phase: str = "Active", build: int = 1, uid: str = TASK_UID, **status: Any
) -> Object:
    """A Task whose agent has answered in this build, or one that was paused by it."""
    of = reservation(build, "Stop", "ManualPause", task=name) if phase == "Paused" else reservation(build, task=name)
    known = {"phase": phase, "build": of, "workspace": ACTIVE}
    return task_manifest(name=name, uid=uid, status=known | status)


def report(state: str, *, second: float = 0.5, build: int = 1, message: str = "") -> Object:
    """`status.state`, as the agent reported it so many seconds after NOW."""
    return {"state": state, "message": message, "uri": "", "timestamp": micro(at(second)), "build": build}


def stop(number: int, *, task: str = "web", uid: str = TASK_UID) -> Object:
    """A pause that has ended."""
    reason, ended = "ManualPause", at(1)
    return build_manifest(number, "Stop", reason, "Succeeded", task=task, uid=uid, finished_at=ended)


def failing(error: Exception) -> Any:
    """For a Receiver: what it does with each message, or with each address."""

    def fail(*_: object) -> None:
        raise error

    return fail


ACTIVE = {"agentLifecycle": "Ready", "activeAt": rfc3339(NOW)}
FORBIDDEN = ApiError("PATCH", "a policy forbids it", status=403)
REFUSED = DeliveryError("DeliveryFailed", "it answered 500")


class Objects(Cluster):
    """Stores what is written, and refuses what the API server would refuse."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.version = 1000
        # Errors for the next writes, in order; None lets one pass.
        self.failures: list[ApiError | None] = []
        self.writes: list[tuple[str, str]] = []
        self.leads: Callable[[], None] = lambda: None

    def hold(self, resource: Resource, manifest: Object) -> Object:
        """Stores an object as somebody else writes it."""
        self.version += 1
        held = deepcopy(manifest)
        held["metadata"]["resourceVersion"] = str(self.version)
        self.objects[resource.plural, held["metadata"]["name"]] = held
        return deepcopy(held)

    def check_leading(self) -> None:
        self.leads()

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object | None:
        await asyncio.sleep(0)
        return deepcopy(self.objects.get((resource.plural, name)))

    async def patch_status(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        status: Object,
        *,
        resource_version: str | None = None,
        uid: str | None = None,
    ) -> Object:
        self.leads()
        await asyncio.sleep(0.01)
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        found = self.objects.get((resource.plural, name))
        if found is None:
            raise MissingError("PATCH", "there is none", status=404)
        metadata = found["metadata"]
        if resource_version not in (None, metadata["resourceVersion"]) or uid not in (None, metadata["uid"]):
            raise ConflictError("PATCH", "it has changed", status=409)
        self.writes.append((resource.plural, name))
        return self.hold(resource, merge(found, {"status": status}))


@dataclass
class Receiver(Senders):
    """Takes messages, unless `answer` raises. `seconds` is how long each takes; those to the sinks that are `hanging`
    are never answered."""

    answer: Callable[[SinkView, Message], None] = lambda sink, message: None
    address: Callable[[SinkView], None] = lambda sink: None
    seconds: float = 0.0
    hanging: set[str] = field(default_factory=set)
    attempts: list[tuple[float, str, str]] = field(default_factory=list)
    taken: list[tuple[float, str, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    async def check(self, sink: SinkView) -> None:
        await asyncio.sleep(0)
        self.address(sink)

    async def send(self, sink: SinkView, message: Message) -> None:
        named = (asyncio.get_running_loop().time() - 1000, sink.name, str(message.data["event"]))
        self.attempts.append(named)
        if sink.name in self.hanging:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(self.seconds)
        self.address(sink)
        self.answer(sink, message)
        self.taken.append(named)
        self.ids.append(message.attributes["id"])

    def events(self, sink: str = "hook") -> list[str]:
        """What a sink has taken."""
        return [event for _, name, event in self.taken if name == sink]


class Telling:
    """All parts, in a running loop. `write` and `remove` are somebody else's acts, which the watch tells of."""

    def __init__(self) -> None:
        self.cluster, self.receiver, self.metrics = Objects(), Receiver(), Metrics()
        self.cache = Cache(clock=self.clock)
        self.sinks = Sinks(self.cache)
        self.given_up: list[tuple[float, str, str]] = []
        # Errors for the next Events, in order.
        self.event_failures: list[ApiError] = []
        self._changed = self._changes()

    def _changes(self) -> dict[str, Callable[[Any], None]]:
        return {
            TASKS.plural: self.sinks.task_changed,
            WORKSPACE_BUILDS.plural: self.sinks.build_changed,
            NOTIFICATION_SINKS.plural: self.sinks.sink_changed,
        }

    def clock(self) -> datetime:
        """NOW is the beginning of the loop."""
        return NOW + timedelta(seconds=asyncio.get_running_loop().time() - 1000)

    def begin(self) -> None:
        self.sinks.begin(
            Parts(
                cache=self.cache,
                senders=self.receiver,
                records=Records(self.cluster, self.cache),
                status=SinkStatus(self.cluster, self.cache, clock=self.clock),
                metrics=self.metrics,
                clock=self.clock,
                gave_up=self._gave_up,
            )
        )

    def begin_again(self) -> None:
        """Another process takes over: of what the former one knew it has the objects alone."""
        self.cache = Cache(clock=self.clock)
        self.sinks = Sinks(self.cache)
        self._changed = self._changes()
        resources = {each.plural: each for each in (TASKS, WORKSPACE_BUILDS, NOTIFICATION_SINKS)}
        for (plural, _), manifest in list(self.cluster.objects.items()):
            self.watched(resources[plural], deepcopy(manifest))
        self.begin()

    async def _gave_up(self, task: NotifiedTask, sink: SinkView, notification: Notification, message: str) -> None:
        if self.event_failures:
            raise self.event_failures.pop(0)
        self.given_up.append((asyncio.get_running_loop().time() - 1000, notification.event, message))

    def write(self, resource: Resource, manifest: Object) -> None:
        self.watched(resource, self.cluster.hold(resource, manifest))

    def watched(self, resource: Resource, manifest: Object) -> None:
        """The watch tells of a state."""
        store: Any = self._store(resource)
        view = store.kind.of(manifest)
        if store.keep(view):
            self._changed[resource.plural](view)

    def remove(self, resource: Resource, name: str) -> None:
        manifest = self.cluster.objects.pop((resource.plural, name))
        view = self._store(resource).kind.of(manifest)
        self._store(resource).deleted(view)
        self._changed[resource.plural](view)

    def change(self, resource: Resource, name: str, patch: Object) -> None:
        """Merges a patch into an object; one of a spec changes its generation."""
        merged = merge(self.cluster.objects[resource.plural, name], patch)
        if "spec" in patch:
            merged["metadata"]["generation"] += 1
        self.write(resource, merged)

    def record(self, name: str = "web", sink: str = "hook") -> Object:
        """What the Task's status says that a sink was told."""
        entries = self.cluster.objects["tasks", name]["status"].get("notifications", ())
        return next((entry for entry in entries if entry["sink"] == sink), {})

    def ready(self, sink: str = "hook") -> tuple[str, str]:
        """Status and reason of the condition."""
        (found,) = self.cluster.objects["notificationsinks", sink]["status"]["conditions"]
        return found["status"], found["reason"]

    def _store(self, resource: Resource) -> Any:
        return next(store for store in self.cache.stores if store.kind.resource is resource)


def paused(telling: Telling, *names: str, sink: Object | None = None) -> None:
    """A sink, and Tasks that were paused in their second build."""
    telling.write(NOTIFICATION_SINKS, sink or sink_manifest())
    for name in names or ("web",):
        uid = f"task-{name}"
        telling.write(TASKS, told_task(name, uid=uid, phase="Paused", build=2))
        telling.write(WORKSPACE_BUILDS, build_manifest(1, phase="Succeeded", task=name, uid=uid))
        telling.write(WORKSPACE_BUILDS, stop(2, task=name, uid=uid))
