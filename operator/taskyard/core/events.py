"""Events of a Task, a template version or an input (events.k8s.io): what happened between two states of an object.

They show people (`kubectl describe ait`, `kubectl events`) how the status got there; nothing depends on them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from taskyard.api.vocabulary import BuildPhase, Phase, State
from taskyard.core import conversation_stored, input_required, task_state, template_version_dry_run, text_limits, times
from taskyard.core.api_object import Manifest
from taskyard.core.build_view import BuildView
from taskyard.core.observed import Obstacle
from taskyard.core.task_view import TaskView

NORMAL, WARNING = "Normal", "Warning"
CONTROLLER = "taskyard.dev/operator"

BUILD_STARTED = "BuildStarted"
INPUT_REFUSED = "StatusRefused"
# By the status of the condition ConversationStored.
CONVERSATION = {"False": (WARNING, "ConversationNotStored"), "True": (NORMAL, "ConversationStored")}
# By the reason of the condition Valid, of versions that are valid with warnings.
VERSIONS = {reason: (WARNING, reason) for reason in template_version_dry_run.WARNINGS}
# The other reasons are named for what was reached: a build's phase, the Task's phase, the agent's state. A start and a
# stop are two events each: that a build succeeds, and the phases on the way, follow from its begin and the phase at its
# end.
BUILD_ENDS = {
    BuildPhase.FAILED: (WARNING, "BuildFailed"),
    BuildPhase.CANCELED: (NORMAL, "BuildCanceled"),
}
_ON_THE_WAY = (Phase.PENDING, Phase.INITIALIZING, Phase.PAUSING)
PHASES = {
    phase: (WARNING if phase in (Phase.ERROR, Phase.UNKNOWN) else NORMAL, phase.value)
    for phase in Phase
    if phase not in _ON_THE_WAY
}
STATES = {state: (WARNING if state is State.FAILED else NORMAL, f"Agent{state.value}") for state in State}


@dataclass(frozen=True)
class Event:
    """What happened: `reason` and `action` are words in CamelCase, `note` is a sentence of at most 1024 bytes. What
    happens `once` is told once, however often the status says it anew.
    """

    type: str
    reason: str
    action: str
    note: str
    once: bool = False


@dataclass(frozen=True)
class Regarding:
    """The Task, or the object of another kind of ours, that events are about."""

    namespace: str
    name: str
    uid: str
    kind: str = "Task"

    @classmethod
    def of(cls, task: TaskView) -> Regarding:
        return cls(task.namespace, task.name, task.uid)


def of_task(former: Manifest, status: Manifest) -> list[Event]:
    """What happened between two status documents of a Task: a build began, the phase, the agent's state or what becomes
    of the conversation changed."""
    return (
        build_begun(former, status)
        + phase_reached(former, status)
        + state_reported(former, status)
        + conversation_stored_or_not(former, status)
        + question_asked(former, status)
    )


def of_version(former: Manifest, status: Manifest) -> list[Event]:
    """What happened between two status documents of a template version: it is valid, and the API server warns. A
    refusal is no event: it is tried again, and the condition has it."""
    before, now = (
        next((c for c in found.get("conditions", ()) if c["type"] == "Valid"), None) for found in (former, status)
    )
    if (
        now is None
        or now["status"] != "True"
        or now["reason"] not in VERSIONS
        or now["reason"] == (before or {}).get("reason")
    ):
        return []
    type_, reason = VERSIONS[now["reason"]]
    return [event(type_, reason, "Validate", now["message"])]


def of_build(former: BuildView, build: BuildView) -> list[Event]:
    """What happened between two states of a WorkspaceBuild: it failed, or was canceled."""
    phase, message = build.phase, build.message
    if phase not in BUILD_ENDS or phase == former.phase:
        return []
    type_, reason = BUILD_ENDS[phase]
    what = f"Build {build.name} ({build.transition}, {build.reason})"
    ended = {
        BuildPhase.FAILED: f"{what} has failed: {message or 'no cause was recorded'}",
        BuildPhase.CANCELED: f"{what} was canceled: {message or 'no cause was recorded'}",
    }
    return [event(type_, reason, build.transition, ended[phase])]


def input_refused(obstacle: Obstacle) -> Event:
    """The API server refuses what is written into an input's status, which therefore cannot say so itself."""
    return event(WARNING, INPUT_REFUSED, "WriteStatus", obstacle.message)


def build_begun(former: Manifest, status: Manifest) -> list[Event]:
    """A build's number was reserved: from then on it is under way."""
    build = status.get("build")
    if not build or build["number"] == former.get("build", {}).get("number"):
        return []
    note = f"Build {build['name']} ({build['transition']}, {build['reason']}) has begun."
    return [event(NORMAL, BUILD_STARTED, build["transition"], note)]


def phase_reached(former: Manifest, status: Manifest) -> list[Event]:
    """A new phase, with the cause that the condition Ready names."""
    phase = status.get("phase")
    if phase not in PHASES or phase == former.get("phase"):
        return []
    type_, reason = PHASES[phase]
    ready = next((c for c in status.get("conditions", ()) if c["type"] == "Ready"), None)
    note = ready["message"] if ready else f"The Task is {phase}."
    if status.get("pausedReason"):
        note = f"{note} Reason: {status['pausedReason']}."
    return [event(type_, reason, "ChangePhase", note)]


def state_reported(former: Manifest, status: Manifest) -> list[Event]:
    """The agent reported a new state, or its first in a build unless that is Working. A state that the operator made up
    for a start is no report."""
    state, before = status.get("state"), former.get("state")
    if (
        state == before
        or not state
        or state["state"] not in STATES
        or task_state.is_made_up(state, status.get("build"))
    ):
        return []
    was_told = before and not task_state.is_made_up(before, former.get("build"))
    is_first = not (before and was_told and before["build"] == state["build"])
    if state["state"] == (State.WORKING if is_first or before is None else before["state"]):
        return []
    type_, reason = STATES[state["state"]]
    note = state.get("message") or f"The agent reports {state['state']}."
    if state.get("uri"):
        note = f"{note} ({state['uri']})"
    return [event(type_, reason, "Report", note)]


def conversation_stored_or_not(former: Manifest, status: Manifest) -> list[Event]:
    """A snapshot of the conversation was refused, or is stored again."""
    before, now = (conversation_stored.find(found.get("conditions", ())) for found in (former, status))
    if now is None or (before is not None and before["status"] == now["status"]):
        return []
    type_, reason = CONVERSATION[now["status"]]
    return [event(type_, reason, "StoreSnapshot", now["message"])]


def question_asked(former: Manifest, status: Manifest) -> list[Event]:
    """A person is asked something. The condition may close and open again for the same question, of which its message
    has the id: while its screen is drawn anew, or after a restart of the sidecar."""
    before, now = (input_required.open_question(found.get("conditions", ())) for found in (former, status))
    if now is None or now == before:
        return []
    return [event(NORMAL, input_required.TYPE, "Ask", now, once=True)]


def event(type_: str, reason: str, action: str, note: str, *, once: bool = False) -> Event:
    """An event, its note shortened to fit."""
    return Event(type_, text_limits.reason(reason), action, text_limits.note(note), once)


def name(event: Event, regarding: Regarding, *, random: str) -> str:
    """The name of an Event. What is told once has the same name each time, so that the API server refuses a second one
    also after a restart of the operator. A question is told once by its id: its words may change."""
    if not event.once:
        return f"{regarding.name}.{random}"
    told = f"{regarding.uid}/{event.reason}/{input_required.question_id(event.note) or event.note}".encode()
    return f"{regarding.name}.{hashlib.sha256(told).hexdigest()[:16]}"


def manifest(
    event: Event, regarding: Regarding, *, name: str, instance: str, at: datetime, controller: str = CONTROLLER
) -> Manifest:
    """The Event as it is created; `instance` names the process that saw it happen."""
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": regarding.namespace},
        "eventTime": times.micro(at),
        "reportingController": controller,
        "reportingInstance": instance[:128],
        "action": event.action,
        "reason": event.reason,
        "type": event.type,
        "note": event.note,
        "regarding": {
            "apiVersion": "taskyard.dev/v1alpha1",
            "kind": regarding.kind,
            "namespace": regarding.namespace,
            "name": regarding.name,
            "uid": regarding.uid,
        },
    }


def series(*, count: int, at: datetime) -> Manifest:
    """The `series` of an Event, which counts its repetitions; `count` includes the first."""
    return {"count": count, "lastObservedTime": times.micro(at)}
