"""A Task's status document, as far as the operator writes it, and the patch that leads there.

The gateway writes `snapshot`, `promptSHA256`, `outputs`, `sidecarVersion` and `starting` of `workspace`, the reports
in `state`, and the condition `InputRequired`. The operator clears `sidecarVersion` and `starting` when it reserves a
start, drops reports that are older than the newest start, says in `state` what an initializing Task waits for, and ends
a question with its Pod.
"""

from __future__ import annotations

from dataclasses import dataclass

from taskyard.api.vocabulary import BuildPhase, BuildReason, PausedReason, Phase, Transition
from taskyard.core import (
    conditions,
    home_size,
    input_required,
    names,
    start_events,
    starting,
    task_phase,
    times,
)
from taskyard.core.api_object import Manifest
from taskyard.core.completion import derived_state
from taskyard.core.decision import Reserve
from taskyard.core.intent import idle_deadline
from taskyard.core.lifecycle import AgentLifecycle, AppHealth, agent_lifecycle, app_health
from taskyard.core.observed import Observed
from taskyard.core.task_state import current_state
from taskyard.core.template_resolution import resolution

PAUSED_REASONS = {
    BuildReason.AUTO_PAUSE: PausedReason.IDLE_TIMEOUT,
    BuildReason.MAX_RUNTIME: PausedReason.MAX_RUNTIME,
    BuildReason.FINISHED: PausedReason.FINISHED,
}
ENDED_EARLY = (BuildPhase.FAILED, BuildPhase.CANCELED)


@dataclass(frozen=True)
class Derived:
    """What follows from the newest build and its Pod."""

    phase: Phase
    lifecycle: AgentLifecycle | None
    health: AppHealth | None


def derive(observed: Observed, *, reserve: Reserve | None = None) -> Derived:
    """Phase, lifecycle and health now; with `reserve`, as they are once that build is reserved."""
    task, build = observed.task, observed.newest
    if reserve or observed.pending_reservation:
        transition = reserve.transition if reserve else Transition((observed.pending_reservation or {})["transition"])
        return Derived(
            task_phase.phase(transition=transition, build_phase=BuildPhase.PENDING, lifecycle=None, health=None),
            None,
            None,
        )
    if build is None:
        return Derived(Phase.PAUSED if task.paused else Phase.PENDING, None, None)
    lifecycle = health = None
    given_up = False
    if build.transition is Transition.START and build.phase is BuildPhase.SUCCEEDED:
        workspace = task.status.get("workspace", {})
        pod = observed.pod_of(build)
        lifecycle = agent_lifecycle(
            pod=pod,
            enrolled="sidecarVersion" in workspace,
            start_timeout=observed.template_version.start_timeout if observed.template_version else None,
            now=observed.now,
        )
        health = app_health(pod=pod, former=workspace.get("appHealth"))
        lifecycle, health = starting.held_up(lifecycle, health, task.status)
        given_up = start_events.is_given_up(observed)
    found = task_phase.phase(
        transition=build.transition, build_phase=build.phase, lifecycle=lifecycle, health=health, given_up=given_up
    )
    return Derived(found, lifecycle, health)


def document(observed: Observed, *, reserve: Reserve | None = None) -> Manifest:
    """The operator's part of the status; a key whose value is None has to be absent."""
    task, now = observed.task, times.rfc3339(observed.now)
    derived = derive(observed, reserve=reserve)
    resolved = resolution(observed)
    deadline = None if reserve else idle_deadline(observed)
    result: Manifest = {
        "observedGeneration": task.generation,
        "observedUID": task.uid,
        "phase": derived.phase,
        "displayName": task.title,
        "build": build_reference(observed, reserve=reserve),
        "workspace": workspace(observed, derived, reserve=reserve),
        "pausedReason": paused_reason(observed, derived.phase, reserve=reserve),
        "idleDeadline": times.rfc3339(deadline) if deadline else None,
        "observedResumedAt": observed_resumed_at(observed, reserve=reserve),
        "inputs": inputs(observed),
    }
    if observed.template_version:
        result["template"] = observed.template_version.template
        result["templateVersion"] = observed.template_version.name
    elif task.template:
        result["template"] = task.template
    result["state"] = derived_state(observed) or current_state(
        state=task.status.get("state"),
        stored_build=task.build,
        build=result["build"],
        phase=derived.phase,
        workspace_status=(result["workspace"] or {}).get("status"),
        lifecycle=derived.lifecycle,
        health=derived.health,
    )
    found = conditions.verdicts(observed, phase=derived.phase, resolution=resolved, state=result["state"])
    found += filter(None, [home_size.verdict(observed)])
    former = kept_conditions(observed, reserve=reserve, now=now)
    result["conditions"] = conditions.render(found, former=former, generation=task.generation, now=now)
    return result


def kept_conditions(observed: Observed, *, reserve: Reserve | None, now: str) -> list[Manifest]:
    """The conditions so far; a question ends with the Pod in which it was asked."""
    task, build = observed.task, observed.newest
    former = conditions.of_generation(task.status.get("conditions", []), task.generation)
    is_stopped = build is None or build.transition is Transition.STOP or build.phase in ENDED_EARLY
    pod = observed.pod_of(build) if build and not (reserve or observed.pending_reservation or is_stopped) else None
    if pod is not None and not pod.ended:
        return former
    return input_required.with_question(former, asked=None, generation=task.generation, now=now) or former


def build_reference(observed: Observed, *, reserve: Reserve | None) -> Manifest | None:
    """`status.build`: the reservation, and the phase of its build."""
    if reserve:
        return {
            "name": names.build_name(observed.task.name, reserve.number),
            "number": reserve.number,
            "transition": reserve.transition,
            "reason": reserve.reason,
            "phase": BuildPhase.PENDING,
            "createdAt": times.micro(observed.now),
        }
    build = observed.newest
    if build is None or observed.pending_reservation:
        return observed.task.build
    reserved = observed.task.build
    return {
        "name": build.name,
        "number": build.number,
        "transition": build.transition,
        "reason": build.reason,
        "phase": build.phase,
        "createdAt": reserved["createdAt"] if reserved else times.micro(build.created_at),
    }


def workspace(observed: Observed, derived: Derived, *, reserve: Reserve | None) -> Manifest | None:
    """`status.workspace` without what the gateway writes, except that a new start clears that."""
    if reserve and reserve.transition is Transition.START:
        return {
            "status": "Pending",
            "pod": None,
            "agentLifecycle": None,
            "appHealth": None,
            "restarts": None,
            "activeAt": None,
            "sidecarVersion": None,
            "starting": None,
        }
    build = observed.newest
    if build is None:
        return None if not observed.pending_reservation else {"status": "Pending"}
    pod = observed.pod_of(build) if build.transition is Transition.START else None
    pod = pod or (observed.pods[-1] if observed.pods else None)
    agent = pod.agent if pod else None
    return {
        "status": workspace_status(observed, reserve=reserve),
        "pod": pod.name if pod and pod.node else None,
        "agentLifecycle": derived.lifecycle,
        "appHealth": derived.health,
        "restarts": agent.restarts if agent and agent.restarts else None,
        "activeAt": active_at(observed, derived.phase),
    }


def active_at(observed: Observed, phase: Phase) -> str | None:
    """When the agent first answered in the newest start; None for a Task that was Active before this was kept."""
    status = observed.task.status
    known: str | None = (status.get("workspace") or {}).get("activeAt")
    is_first = known is None and phase is Phase.ACTIVE and status.get("phase") != Phase.ACTIVE
    return times.rfc3339(observed.now) if is_first else known


def workspace_status(observed: Observed, *, reserve: Reserve | None) -> str:
    """The workspace in one word, by the newest build."""
    build = observed.newest
    if reserve or observed.pending_reservation or build is None:
        stopping = reserve is not None and reserve.transition is Transition.STOP
        pending = observed.pending_reservation
        stopping = stopping or (pending is not None and pending["transition"] == Transition.STOP)
        return "Stopping" if stopping else "Pending"
    if build.phase in ENDED_EARLY:
        return "Failed"
    if build.transition is Transition.STOP:
        return "Stopped" if build.finished else "Stopping"
    return "Running" if build.finished else "Pending"


def paused_reason(observed: Observed, phase: Phase, *, reserve: Reserve | None) -> PausedReason | None:
    """Why the Task is paused or pausing. A manual pause on top of an automatic one counts as manual: taking it back
    resumes the Task, however long the stop and the start that follows may take."""
    if phase not in (Phase.PAUSED, Phase.PAUSING):
        return None
    if observed.task.paused or observed.task.status.get("pausedReason") == PausedReason.MANUAL:
        return PausedReason.MANUAL
    # The stop counts from its reservation on: an automatic pause shown as manual would look as if it was taken back.
    reserved = observed.task.build
    reason = reserve.reason if reserve else BuildReason(reserved["reason"]) if reserved else BuildReason.MANUAL_PAUSE
    return PAUSED_REASONS.get(reason, PausedReason.MANUAL)


def observed_resumed_at(observed: Observed, *, reserve: Reserve | None) -> str | None:
    """Value of the resumed-at annotation that was acted on. A new one is not acted on while a pause is in force or the
    newest build is a failed start."""
    before: str | None = observed.task.status.get("observedResumedAt")
    if reserve:
        return observed.task.resumed_at if reserve.transition is Transition.START else before
    build = observed.newest
    is_running = build is not None and build.transition is Transition.START and build.phase is not BuildPhase.FAILED
    return observed.task.resumed_at if is_running else before


def inputs(observed: Observed) -> Manifest | None:
    """`status.inputs`, absent while there are none."""
    if not observed.inputs_queued and not observed.inputs_delivered and "inputs" not in observed.task.status:
        return None
    return {"queued": observed.inputs_queued, "delivered": observed.inputs_delivered}


def may_wait(current: Manifest, wanted: Manifest) -> bool:
    """Whether a patch of the status tells only details: words, counts, and how far a start has come within its phase.
    While a Task starts they change several times a second."""
    if not wanted.keys() <= {"workspace", "state", "inputs", "idleDeadline", "conditions"}:
        return False
    if "state" in wanted and not (current.get("state") and wanted["state"] and wanted["state"].keys() == {"message"}):
        return False
    return "conditions" not in wanted or essence(wanted["conditions"]) == essence(current.get("conditions") or [])


def essence(found: list[Manifest]) -> set[tuple[str, str, str, int | None]]:
    """Conditions without their words."""
    return {(each["type"], each["status"], each["reason"], each.get("observedGeneration")) for each in found}


def patch(current: Manifest, wanted: Manifest) -> Manifest:
    """The JSON merge patch (RFC 7386) after which `current` has all of `wanted`; empty when it already does."""
    result: Manifest = {}
    for key, value in wanted.items():
        present = current.get(key)
        if isinstance(value, dict) and isinstance(present, dict):
            inner = patch(present, value)
            if inner:
                result[key] = inner
        elif value != present:
            if isinstance(value, dict):
                value = {name: part for name, part in value.items() if part is not None}
                if not value and present is None:
                    continue
            result[key] = value
    return result
