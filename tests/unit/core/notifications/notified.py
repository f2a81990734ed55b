"""Sinks and Tasks as the notifier sees them, with ordinary values for all that a test does not name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from taskyard.api.vocabulary import NotificationEvent
from taskyard.core.build_view import BuildView
from taskyard.core.notifications.due import Notification, PassedOver, Step, next_step
from taskyard.core.notifications.record import Record
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.core.times import micro, rfc3339
from unit.core.builders import at, build_manifest, merge, reservation, task_manifest

Manifest = dict[str, Any]

SINK_UID = "22222222-2222-4222-8222-222222222222"
EVENTS = tuple(event.value for event in NotificationEvent if event is not NotificationEvent.TEST)
LONG_AFTER = 10_000


def sink_manifest(
    *,
    name: str = "owner",
    uid: str = SINK_UID,
    created: float = -3600,
    events: Iterable[str] = EVENTS,
    annotations: dict[str, str] | None = None,
    deleting: bool = False,
    status: Manifest | None = None,
    **spec: Any,
) -> Manifest:
    """A NotificationSink; further keyword arguments go into its spec."""
    metadata: Manifest = {
        "name": name,
        "namespace": "team",
        "uid": uid,
        "generation": 1,
        "resourceVersion": "7",
        "creationTimestamp": rfc3339(at(created)),
    }
    if annotations:
        metadata["annotations"] = annotations
    if deleting:
        metadata["deletionTimestamp"] = rfc3339(at(0))
    secret = {"name": "receiver", "key": "url", "signingKey": "signing-secret"}
    ordinary = {"type": "Webhook", "secretRef": secret, "events": list(events), "maxPerMinute": 60}
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "NotificationSink",
        "metadata": metadata,
        "spec": {**ordinary, **spec},
        "status": status or {},
    }


def sink(**fields: Any) -> SinkView:
    return SinkView.of(sink_manifest(**fields))


def state(name: str, seconds: float, *, build: int = 1, message: str = "", uri: str = "") -> Manifest:
    """`status.state`, reported so many seconds after the beginning."""
    return {"state": name, "message": message, "uri": uri, "timestamp": micro(at(seconds)), "build": build}


def condition(type_: str, seconds: float, message: str, *, reason: str = "Reason", status: str = "True") -> Manifest:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": rfc3339(at(seconds)),
    }


def asked(seconds: float, *, id_: str = "", text: str = "May I go on?") -> Manifest:
    """The condition InputRequired."""
    answer = f"Answer with a TaskInput that has this id in spec.answers: {id_}" if id_ else "Answer with keystrokes"
    return condition("InputRequired", seconds, f"{text} {answer}")


def fault(seconds: float, message: str = "The image cannot be pulled") -> Manifest:
    """The condition of a Task in Error."""
    return condition("Stalled", seconds, message, reason="StartFailed")


def notified_manifest(
    newest: Manifest | None = None,
    *,
    state: Manifest | None = None,
    phase: str | None = None,
    lifecycle: str | None = None,
    active: bool = True,
    conditions: Sequence[Manifest] = (),
    labels: dict[str, str] | None = None,
    status: Manifest | None = None,
    **fields: Any,
) -> Manifest:
    """A Task whose newest build is `newest`, a reservation; its agent is ready while that is a start."""
    newest = newest or reservation(phase="Succeeded")
    is_start = newest["transition"] == "Start"
    workspace = {"agentLifecycle": lifecycle or ("Ready" if is_start else None), "activeAt": rfc3339(at(0))}
    if not active:
        del workspace["activeAt"]
    found: Manifest = {
        "phase": phase or ("Active" if is_start else "Paused"),
        "displayName": "Mend the door",
        "build": newest,
        "workspace": {key: value for key, value in workspace.items() if value is not None},
        "conditions": list(conditions),
    }
    if state is not None:
        found["state"] = state
    task = task_manifest(status=merge(found, status or {}), **fields)
    if labels:
        task["metadata"]["labels"] = labels
    return task


def notified(newest: Manifest | None = None, **fields: Any) -> NotifiedTask:
    return NotifiedTask.of(notified_manifest(newest, **fields))


def start(number: int = 1, reason: str = "Initial", *, created: float = 0, uid: str | None = None) -> BuildView:
    manifest = build_manifest(number, "Start", reason, "Succeeded", created_at=at(created), finished_at=at(created + 1))
    return BuildView.of(_of(manifest, uid))


def stop(
    number: int, reason: str = "ManualPause", *, phase: str = "Succeeded", created: float = 100, uid: str | None = None
) -> BuildView:
    finished = at(created + 5) if phase in ("Succeeded", "Failed", "Canceled") else None
    manifest = build_manifest(number, "Stop", reason, phase, created_at=at(created), finished_at=finished)
    return BuildView.of(_of(manifest, uid))


def _of(build: Manifest, uid: str | None) -> Manifest:
    if uid is not None:
        build["metadata"]["ownerReferences"][0]["uid"] = uid
    return build


def new_record(sink: SinkView) -> Record:
    return Record(sink.name, sink.uid)


def step(
    task: NotifiedTask,
    builds: Sequence[BuildView],
    sink: SinkView,
    record: Record | None = None,
    *,
    seen_at: datetime | None = None,
    now: datetime | None = None,
) -> Step:
    """The next step, long after everything has settled unless told otherwise."""
    return next_step(
        task, builds, sink, record or new_record(sink), seen_at=seen_at or at(0), now=now or at(LONG_AFTER)
    )


def tell(
    task: NotifiedTask, builds: Sequence[BuildView], sink: SinkView, record: Record | None = None
) -> tuple[list[Notification], Record]:
    """All that is told until there is nothing more, by a receiver that takes everything; and the record then."""
    record, told = record or new_record(sink), []
    for _ in range(50):
        found = step(task, builds, sink, record)
        if isinstance(found, Notification):
            told.append(found)
            record = found.told.taken(found.id, found.event, now=at(LONG_AFTER))
        elif isinstance(found, PassedOver):
            record = found.told
        else:
            assert found is None, "everything has settled"
            return told, record
    raise AssertionError("it never ends")


def names(told: Iterable[Notification]) -> list[str]:
    """Event and build of each, such as `Paused 2`."""
    return [f"{each.event} {each.build}" for each in told]
