"""The conditions of a Task: Ready, TemplateResolved, and kstatus's Reconciling and Stalled while they hold."""

from __future__ import annotations

from dataclasses import dataclass

from taskyard.api.task import Phase
from taskyard.api.workspacebuild import BuildPhase
from taskyard.core.intent import Intent, intent
from taskyard.core.lifecycle import AppHealth, start_fault
from taskyard.core.observed import Manifest, Observed
from taskyard.core.template import Resolution

OWN = ("Ready", "TemplateResolved", "Reconciling", "Stalled", "Valid")


@dataclass(frozen=True)
class Verdict:
    """A condition without its times."""

    type: str
    holds: bool
    reason: str
    message: str


def verdicts(observed: Observed, *, phase: Phase, resolution: Resolution, health: AppHealth | None) -> list[Verdict]:
    """All conditions that a Task in `phase` has."""
    reason, message = explanation(observed, phase=phase, resolution=resolution, health=health)
    ready = phase is Phase.ACTIVE or (phase is Phase.PAUSED and not is_resuming(observed, resolution))
    result = [
        Verdict("Ready", ready, reason, message),
        Verdict("TemplateResolved", resolution.resolved, resolution.reason, resolution.message),
    ]
    if phase is Phase.ERROR:
        result.append(Verdict("Stalled", True, reason, message))
    elif not ready:
        result.append(Verdict("Reconciling", True, reason, message))
    return result


def is_resuming(observed: Observed, resolution: Resolution) -> bool:
    """Whether a Task without a Pod was asked to go on and waits for its template version."""
    return intent(observed) is Intent.RUN and not resolution.resolved


def explanation(
    observed: Observed, *, phase: Phase, resolution: Resolution, health: AppHealth | None
) -> tuple[str, str]:
    """Reason and message of Ready: what holds the Task up, the nearest cause first."""
    build = observed.newest
    if build and build.phase is BuildPhase.FAILED:
        return "BuildFailed", f"Build {build.name} failed: {build.message or 'no cause was recorded'}"
    if observed.obstacle and phase in (Phase.PENDING, Phase.PAUSING, Phase.UNKNOWN, Phase.PAUSED):
        return observed.obstacle.reason, observed.obstacle.message
    if phase in (Phase.PENDING, Phase.PAUSED) and is_resuming(observed, resolution):
        return resolution.reason, resolution.message
    pod = observed.pods[-1] if observed.pods else None
    fault = start_fault(pod) if pod else None
    if fault and phase in (Phase.INITIALIZING, Phase.ERROR):
        cause = fault.waiting_message or f"it ended with exit code {fault.exit_code}"
        return fault.waiting_reason or "InitContainerFailed", f"Container {fault.name} cannot start: {cause}"
    match phase:
        case Phase.ACTIVE:
            return "Active", "The agent is there and answers."
        case Phase.PAUSED:
            return "Paused", "The workspace is stopped; its home and its conversation are kept."
        case Phase.PAUSING:
            return "Pausing", "The workspace is being stopped."
        case Phase.INITIALIZING:
            return "Initializing", "The workspace is starting; the agent does not answer yet."
        case Phase.PENDING:
            if pod and pod.unschedulable:
                return "Unschedulable", f"Pod {pod.name} waits for a node: {pod.unschedulable}"
            return "Pending", "The workspace is about to be started."
        case Phase.UNKNOWN:
            return "PodLost", lost_message(observed)
        case Phase.ERROR:
            return error_explanation(observed, health=health)


def lost_message(observed: Observed) -> str:
    """Why a running Task's state is not known, and what an administrator can do."""
    pod = observed.pods[-1] if observed.pods else None
    if pod and pod.deleting:
        return (
            f"Pod {pod.name} is being deleted, though the Task is to run; a new one follows when it is gone. "
            f"If its node {pod.node} is lost for good, delete the Node or force the Pod's deletion."
        )
    return "The Pod is gone, though the Task is to run; a new one follows."


def error_explanation(observed: Observed, *, health: AppHealth | None) -> tuple[str, str]:
    """Why a Task is in Error without a failed build."""
    build = observed.newest
    if build and build.phase is BuildPhase.CANCELED:
        return "BuildCanceled", build.message or f"Build {build.name} was canceled."
    pod = observed.pods[-1] if observed.pods else None
    agent = pod.agent if pod else None
    if agent and not agent.running:
        code = agent.exit_code if agent.exit_code is not None else agent.last_exit_code
        return (
            "AgentNotRunning",
            f"The agent ended with exit code {code} and is started again by the kubelet ({agent.restarts} restarts so "
            f"far); `kubectl logs` of Pod {pod.name if pod else ''} shows its last words.",
        )
    return "AgentUnhealthy", "The agent answered before and does not now; the sidecar goes on trying."


def render(found: list[Verdict], *, former: list[Manifest], generation: int, now: str) -> list[Manifest]:
    """The conditions as stored; a transition time changes only with the status. Those that others keep stay."""
    before = {condition["type"]: condition for condition in former}
    own = [condition(verdict, before.get(verdict.type), generation=generation, now=now) for verdict in found]
    return own + [condition for condition in former if condition["type"] not in OWN]


def condition(verdict: Verdict, former: Manifest | None, *, generation: int, now: str) -> Manifest:
    """One condition as it is stored."""
    status = "True" if verdict.holds else "False"
    unchanged = former is not None and former["status"] == status
    return {
        "type": verdict.type,
        "status": status,
        "reason": verdict.reason,
        "message": verdict.message,
        "lastTransitionTime": former["lastTransitionTime"] if former and unchanged else now,
        "observedGeneration": generation,
    }
