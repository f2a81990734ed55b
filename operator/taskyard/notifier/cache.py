"""What the notifier reads of each kind, and what it keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypedDict

from taskyard.core.api_object import Manifest
from taskyard.core.build_view import BuildView
from taskyard.core.notifications.sink_view import SinkView, working
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.core.resources import NOTIFICATION_SINKS, TASKS, WORKSPACE_BUILDS
from taskyard.watchcache.kind import Key, Kind, key_of
from taskyard.watchcache.store import Group, Store

_Annotations = TypedDict("_Annotations", {"taskyard.dev/test": str}, total=False)


class _Metadata(TypedDict, total=False):
    name: str
    namespace: str
    uid: str
    resourceVersion: str
    generation: int
    creationTimestamp: str
    deletionTimestamp: str
    labels: dict[str, str] | None
    annotations: _Annotations | None
    ownerReferences: list[Manifest] | None


class _TaskStatus(TypedDict, total=False):
    observedUID: str
    phase: str
    displayName: str
    state: Manifest | None
    build: Manifest | None
    workspace: Manifest | None
    conditions: list[Manifest] | None
    notifications: list[Manifest] | None


class _Task(TypedDict, total=False):
    metadata: _Metadata
    status: _TaskStatus


class _Whole(TypedDict, total=False):
    metadata: _Metadata
    spec: Manifest
    status: Manifest


TASK = Kind(TASKS, _Task, NotifiedTask.of)
BUILD = Kind(WORKSPACE_BUILDS, _Whole, BuildView.of)
SINK = Kind(NOTIFICATION_SINKS, _Whole, SinkView.of)


def _namespace(view: NotifiedTask | SinkView) -> tuple[Group, ...]:
    return ((view.namespace,),)


def _task_of(build: BuildView) -> tuple[Group, ...]:
    return ((build.namespace, build.task),)


class Cache:
    """The stores, and since when each Task is as it is."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.tasks = Store(TASK, _namespace)
        self.builds = Store(BUILD, _task_of)
        self.sinks = Store(SINK, _namespace)
        self._seen: dict[Key, datetime] = {}
        self.tasks.observe(self._saw)

    @property
    def stores(self) -> tuple[Store[NotifiedTask], Store[BuildView], Store[SinkView]]:
        return self.tasks, self.builds, self.sinks

    def seen_at(self, task: NotifiedTask) -> datetime:
        """When this process first saw what the Task shows now; never later than now, also when the clock steps back."""
        now = self._clock()
        seen = min(self._seen.get(key_of(task), now), now)
        self._seen[key_of(task)] = seen
        return seen

    def builds_of(self, task: NotifiedTask) -> list[BuildView]:
        """The builds of the Task's name, in no order."""
        return self.builds.grouped((task.namespace, task.name))

    def tasks_of(self, namespace: str) -> list[NotifiedTask]:
        return self.tasks.grouped((namespace,))

    def sinks_of(self, namespace: str) -> list[SinkView]:
        """The sinks of a namespace that are served."""
        return working(self.sinks.grouped((namespace,)))

    def serves(self, sink: SinkView) -> bool:
        """Whether a sink is one of those of its namespace that are served."""
        return any(each.uid == sink.uid for each in self.sinks_of(sink.namespace))

    def forget(self, task: NotifiedTask) -> None:
        """The Task is gone."""
        self._seen.pop(key_of(task), None)

    def _saw(self, former: NotifiedTask | None, task: NotifiedTask) -> None:
        if former is None or _shown(former) != _shown(task):
            self._seen[key_of(task)] = self._clock()


def _shown(task: NotifiedTask) -> tuple[object, ...]:
    """What has to settle. A state that goes on with other words has not changed."""
    return (
        task.state and (task.state.state, task.state.build),
        task.question and task.question.id,
        task.fault and task.fault.at,
    )
