"""What a sink is due to be told of a Task.

Promised are the newest state and each build's pause or resume. The rules are those of the model that the REST API is
compatible with: a state is told when it differs from the one before, the first Working of a Task is silent and the
first Idle is told, and nothing is told of an agent that is not ready, but the result of its work. States that were
overtaken are not told.

After a kill between the sending of a state and its record nobody knows that it was sent. If the state that is on record
is the newest again by then, nothing is told: the receiver believes the one between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from taskyard.api.vocabulary import BuildPhase, BuildReason, NotificationEvent, Phase, State, Transition
from taskyard.core import times
from taskyard.core.build_view import BuildView
from taskyard.core.lifecycle import AgentLifecycle
from taskyard.core.notifications.record import Record
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import Fault, NotifiedTask, Question, ReportedState

# A state that lasts less than this is not told: agents go from Working to Idle and back within a moment.
SETTLES_AFTER = timedelta(seconds=3)

RESULTS = (State.COMPLETE, State.FAILED)
OF_STATE = {state: NotificationEvent(state.value) for state in State}
WHY_PAUSED = {
    BuildReason.MANUAL_PAUSE: "paused by a person",
    BuildReason.AUTO_PAUSE: "idle timeout",
    BuildReason.MAX_RUNTIME: "max runtime",
    BuildReason.FINISHED: "its work has ended",
}


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to tell. `id` is the same however often it is sent; `reason` and `message` say more about it, in the
    words of the status. `told` is the sink's record once it was told."""

    id: str
    event: NotificationEvent
    at: datetime
    build: int
    told: Record
    reason: str = ""
    message: str = ""
    uri: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """There is nothing to tell, but the record has to be stored: what comes next depends on it."""

    told: Record


@dataclass(frozen=True, slots=True)
class Unsettled:
    """There may be something to tell once this moment has come."""

    until: datetime


Step = Notification | PassedOver | Unsettled | None


def next_step(
    task: NotifiedTask,
    builds: Sequence[BuildView],
    sink: SinkView,
    record: Record,
    *,
    seen_at: datetime,
    now: datetime,
) -> Step:
    """The first thing to do for a Task and a sink; None when there is nothing. `builds` are those of the Task, in any
    order. `seen_at` is when this process first saw the Task as it is: what has just changed has to settle."""
    if task.deleting or sink.deleting or not sink.selector.selects(task.labels):
        return None
    own = sorted((build for build in builds if build.owner == task.uid), key=lambda build: build.number)
    last = record
    for found in _news(task, own, record):
        last = found.told
        if found.event not in sink.events or _is_silent(found, task, sink, record):
            continue
        if found.event not in (NotificationEvent.PAUSED, NotificationEvent.RESUMED) and now < seen_at + SETTLES_AFTER:
            return Unsettled(seen_at + SETTLES_AFTER)
        return found
    if not _has_to_be_passed_over(last, task, sink, record):
        return None
    return PassedOver(last) if now >= seen_at + SETTLES_AFTER else Unsettled(seen_at + SETTLES_AFTER)


def _has_to_be_passed_over(last: Record, task: NotifiedTask, sink: SinkView, record: Record) -> bool:
    """Whether a state that is not told has to be stored. It has to where what comes next depends on it: the state that
    was told may come again, and the first Working is silent only before every other state."""
    is_as_before = (last.state, last.state_build) == (record.state, record.state_build)
    if is_as_before or task.state is None or task.state.at < sink.created_at:
        return False
    if record.state is not None:
        return OF_STATE[record.state] in sink.events
    if last.state is State.WORKING or NotificationEvent.WORKING not in sink.events:
        return False
    return task.state.at >= _selected_since(NotificationEvent.WORKING, task, sink, record)


def _is_silent(found: Notification, task: NotifiedTask, sink: SinkView, record: Record) -> bool:
    """What was before the sink selected it, and the first Working of a Task. A Task that is older than that has worked
    before."""
    since = _selected_since(found.event, task, sink, record)
    if found.at < since:
        return True
    return found.event is NotificationEvent.WORKING and record.state is None and task.created_at >= since


def _selected_since(event: NotificationEvent, task: NotifiedTask, sink: SinkView, record: Record) -> datetime:
    """By the spec of the sink, and by the labels of the Task."""
    since = sink.selected_since(event, task.labels)
    return max(since, times.parse(record.since)) if record.since is not None else since


def _news(task: NotifiedTask, builds: list[BuildView], record: Record) -> Iterator[Notification]:
    """All that the record does not have yet, in order, whether the sink wants to know it or not. Task and builds come
    by watches of their own, of which either may be late: what one of them does not show yet is waited for."""
    state = _untold(task, builds, record)
    for build in builds:
        if build.number <= record.build:
            continue
        if state is not None and state.build < build.number:
            record = _with_state(record, state)
            yield _of_state(task, state, record)
            state = None
        if build.number > task.build or (build.transition is Transition.STOP and not _has_stopped(task, build)):
            return
        record = replace(record, build=build.number)
        if build.transition is Transition.STOP and build.phase is BuildPhase.SUCCEEDED:
            yield _of_build(task, build, NotificationEvent.PAUSED, build.finished_at or build.created_at, record)
        elif build.transition is Transition.START and build.reason is BuildReason.RESUME:
            yield _of_build(task, build, NotificationEvent.RESUMED, build.created_at, record)
    if task.build > (builds[-1].number if builds else 0):
        return
    for make in _in_order(task, state, record):
        found = make(record)
        record = found.told
        yield found


def _in_order(
    task: NotifiedTask, state: ReportedState | None, record: Record
) -> list[Callable[[Record], Notification]]:
    """What the present build has to tell, by its time. Conditions have whole seconds: of the same second the state is
    the first."""
    found: list[tuple[datetime, Callable[[Record], Notification]]] = []
    if state is not None:
        found.append((state.at, lambda former: _of_state(task, state, _with_state(former, state))))
    if (question := task.question) is not None and question.id != record.question:
        found.append((question.at, lambda former: _of_question(task, question, former)))
    if (fault := task.fault) is not None and times.rfc3339(fault.at) != record.error:
        found.append((fault.at, lambda former: _of_fault(task, fault, former)))
    return [make for _, make in sorted(found, key=lambda each: each[0].replace(microsecond=0))]


def _of_question(task: NotifiedTask, question: Question, record: Record) -> Notification:
    return Notification(
        id=_id_of_question(task, question),
        event=NotificationEvent.INPUT_REQUIRED,
        at=question.at,
        build=task.build,
        told=replace(record, question=question.id),
        message=question.text,
        question=question.id,
    )


def _of_fault(task: NotifiedTask, fault: Fault, record: Record) -> Notification:
    return Notification(
        id=_id(task, task.build, NotificationEvent.ERROR, fault.at),
        event=NotificationEvent.ERROR,
        at=fault.at,
        build=task.build,
        told=replace(record, error=times.rfc3339(fault.at)),
        reason=fault.reason,
        message=fault.message,
    )


def _has_stopped(task: NotifiedTask, build: BuildView) -> bool:
    """Whether a stop has ended. The Task shows that later than its build, and after the agent's last state."""
    if build.number == task.build and build.phase is BuildPhase.SUCCEEDED:
        return task.phase is Phase.PAUSED
    return build.finished


def _untold(task: NotifiedTask, builds: list[BuildView], record: Record) -> ReportedState | None:
    """The agent's state, if it is another one than the last that was told and counts. A resume drops the state of
    before, so that the same one is news again, but for Working. After a stop the state still counts, but a paused Task
    does not work. A result always counts: the Pod of a command ends with it."""
    state = task.state
    if state is None or _is_told(state, builds, record):
        return None
    if state.state in RESULTS:
        return state
    if state.build == task.build:
        return state if task.lifecycle == AgentLifecycle.READY else None
    return state if task.was_active and state.state is not State.WORKING else None


def _is_told(state: ReportedState, builds: list[BuildView], record: Record) -> bool:
    if state.state != record.state:
        return False
    resumed = any(
        build.reason is BuildReason.RESUME and record.state_build < build.number <= state.build for build in builds
    )
    return state.state is State.WORKING or not resumed


def _with_state(record: Record, state: ReportedState) -> Record:
    return replace(record, state=state.state, state_build=state.build, state_time=times.micro(state.at))


def _of_state(task: NotifiedTask, state: ReportedState, told: Record) -> Notification:
    event = OF_STATE[state.state]
    return Notification(
        id=_id(task, state.build, event, state.at),
        event=event,
        at=state.at,
        build=state.build,
        told=told,
        message=state.message,
        uri=state.uri,
    )


def _of_build(
    task: NotifiedTask, build: BuildView, event: NotificationEvent, at: datetime, told: Record
) -> Notification:
    return Notification(
        id=_id(task, build.number, event, at),
        event=event,
        at=at,
        build=build.number,
        told=told,
        reason=WHY_PAUSED.get(build.reason, "") if event is NotificationEvent.PAUSED else "",
    )


def _id(task: NotifiedTask, build: int, event: NotificationEvent, at: datetime) -> str:
    """The Task's UID, the build, what happened and when: found again after a restart. No full stop is in it, which
    Standard Webhooks puts behind it."""
    return f"{task.uid}-{build}-{event.lower()}-{round(at.timestamp() * 1000)}"


def _id_of_question(task: NotifiedTask, question: Question) -> str:
    """With the question's own id instead of a time: a sidecar that starts again may close a question and open it again,
    and it is the same one. The id of a question that has none is made of its words and its time."""
    digest = hashlib.sha256(question.id.encode()).hexdigest()[:12]
    return f"{task.uid}-{task.build}-{NotificationEvent.INPUT_REQUIRED.lower()}-{digest}"
