"""What the notifier reads of each kind, and what it keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypedDict

from taskyard.core.api_object import Manifest
from taskyard.core.build_view import BuildView
from taskyard.core.notifications.due import SETTLES_AFTER
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.core.resources import NOTIFICATION_SINKS, TASKS, WORKSPACE_BUILDS
from taskyard.notifier.places import Places
from taskyard.watchcache.kind import Key, Kind, key_of
from taskyard.watchcache.store import Group, Store

# How long a Task that never settles is waited for: an agent that works for two seconds and rests for two would hide its
# own question for ever.
MAX_RESTLESS = timedelta(seconds=30)

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


def _namespace(view: NotifiedTask) -> tuple[Group, ...]:
    return ((view.namespace,),)


def _task_of(build: BuildView) -> tuple[Group, ...]:
    return ((build.namespace, build.task),)


class Cache:
    """The stores, and since when each Task is as it is."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.tasks = Store(TASK, _namespace)
        self.builds = Store(BUILD, _task_of)
        self.sinks = Store(SINK)
        self._places = Places()
        self._seen: dict[Key, datetime] = {}
        # Since when a Task has not been the same for as long as it takes to settle.
        self._restless: dict[Key, datetime] = {}
        self.tasks.observe(self._saw)
        self.sinks.observe(lambda former, sink: self._places.put(sink))

    @property
    def stores(self) -> tuple[Store[NotifiedTask], Store[BuildView], Store[SinkView]]:
        return self.tasks, self.builds, self.sinks

    def seen_at(self, task: NotifiedTask) -> datetime:
        """When this process first saw what the Task shows now; never later than now, also when the clock steps back. Of
        a Task that changes all the time it is so long ago that something is told each half minute."""
        now, key = self._clock(), key_of(task)
        seen = self._seen[key] = min(self._seen.get(key, now), now)
        return min(seen, self._restless.get(key, seen) + MAX_RESTLESS - SETTLES_AFTER)

    def builds_of(self, task: NotifiedTask) -> list[BuildView]:
        """The builds of the Task's name, in no order."""
        return self.builds.grouped((task.namespace, task.name))

    def tasks_of(self, namespace: str) -> list[NotifiedTask]:
        return self.tasks.grouped((namespace,))

    def sinks_of(self, namespace: str) -> list[SinkView]:
        """The sinks of a namespace that are served, the oldest first."""
        found = map(self.sinks.get, self._places.of(namespace))
        return [sink for sink in found if sink is not None]

    def serves(self, sink: SinkView) -> bool:
        """Whether a sink is one of those of its namespace that are served."""
        return self._places.has(sink)

    def sink_is_gone(self, sink: SinkView) -> None:
        """A watch, or a list, has shown that the sink does not exist any more."""
        if self.sinks.get(key_of(sink)) is None:
            self._places.remove(key_of(sink))

    def forget(self, task: NotifiedTask) -> None:
        """The Task is gone."""
        self._seen.pop(key_of(task), None)
        self._restless.pop(key_of(task), None)

    def _saw(self, former: NotifiedTask | None, task: NotifiedTask) -> None:
        if former is None or _shown(former) != _shown(task):
            now, key = self._clock(), key_of(task)
            since, seen = self._restless.get(key, now), self._seen.get(key, now)
            is_rested = now - seen >= SETTLES_AFTER or not timedelta() <= now - since < MAX_RESTLESS
            self._restless[key] = now if is_rested else since
            self._seen[key] = now


def _shown(task: NotifiedTask) -> tuple[object, ...]:
    """What has to settle. A state that goes on with other words has not changed."""
    return (
        task.state and (task.state.state, task.state.build),
        task.question and task.question.id,
        task.fault and task.fault.at,
    )
