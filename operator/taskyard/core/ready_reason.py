"""What holds a Task up, as a reason for programs and a message for people: the cause, and what helps."""

from __future__ import annotations

from taskyard.api.vocabulary import BuildPhase, Phase
from taskyard.core import claim_events, kubectl, start_events, start_remedy, starting, unscheduled
from taskyard.core.intent import Intent, intent
from taskyard.core.lifecycle import start_fault
from taskyard.core.observed import Observed
from taskyard.core.pod_end import DELETED, UNKNOWN, EndCause
from taskyard.core.pod_view import ContainerView, PodView
from taskyard.core.template_resolution import Resolution
from taskyard.core.text_limits import quoted


def of(observed: Observed, *, phase: Phase, resolution: Resolution) -> tuple[str, str]:
    """Reason and message of the condition Ready: the nearest cause, and what else the operator waits for."""
    reason, message = nearest_cause(observed, phase=phase, resolution=resolution)
    # A message that was told before may end with the obstacle already.
    if observed.obstacle and not message.endswith(observed.obstacle.message):
        message = f"{message.rstrip('.')}. {observed.obstacle.message}"
    return reason, message


def nearest_cause(observed: Observed, *, phase: Phase, resolution: Resolution) -> tuple[str, str]:
    """Reason and message of the nearest cause."""
    build = observed.newest
    if build and build.phase is BuildPhase.FAILED:
        return "BuildFailed", f"Build {build.name} failed: {build.message or 'no cause was recorded'}"
    if observed.obstacle and phase in (Phase.PENDING, Phase.PAUSING, Phase.UNKNOWN):
        return observed.obstacle.reason, observed.obstacle.message
    if phase in (Phase.PENDING, Phase.PAUSED) and is_resuming(observed, resolution):
        return resolution.reason, resolution.message
    pod = observed.pods[-1] if observed.pods else None
    if pod and phase in (Phase.INITIALIZING, Phase.ERROR):
        found = (
            start_explanation(observed, pod)
            or agent_explanation(pod)
            or starting.explanation(observed.task.status)
            or start_events.explanation(observed)
        )
        if found:
            return found
    of_claim = claim_events.explanation(observed) if phase is Phase.PENDING else None
    if of_claim:
        return of_claim
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
                helps = unscheduled.remedy(pod.unschedulable, namespace=pod.namespace)
                return "Unschedulable", f"Pod {pod.name} waits for a node: {quoted(pod.unschedulable)}. {helps}."
            return "Pending", "The workspace is about to be started."
        case Phase.UNKNOWN:
            return "PodLost", lost_message(pod, build.pod_end.cause if build and build.pod_end else None)
        case Phase.ERROR:
            if build and build.phase is BuildPhase.CANCELED:
                return "BuildCanceled", build.message or f"Build {build.name} was canceled."
            return "AgentUnhealthy", "The agent answered before and no longer does; the sidecar keeps trying."


def is_resuming(observed: Observed, resolution: Resolution) -> bool:
    """Whether a Task without a Pod should run and waits for its template version."""
    return intent(observed) is Intent.RUN and not resolution.resolved


def start_explanation(observed: Observed, pod: PodView) -> tuple[str, str] | None:
    """A container that cannot start: its image, its configuration, or an init container that fails."""
    fault = start_fault(pod)
    if fault is None:
        return None
    code = fault.exit_code if fault.exit_code is not None else fault.last_exit_code
    said = start_events.said(fault)
    cause = said or f"it ended with exit code {code}"
    if code is not None and said:
        cause = f"it ended with exit code {code}; {said}"
    answer = start_events.pull_error(observed, fault)
    if answer:
        cause = f"{said}: {answer}" if said else answer
    return fault.waiting_reason or "InitContainerFailed", (
        f"{start_events.cannot_start(fault)}{cause.rstrip('. ')}. {start_remedy.of_container(fault, pod, cause)}"
    )


def agent_explanation(pod: PodView) -> tuple[str, str] | None:
    """An agent that has ended and is restarted by the kubelet."""
    agent = pod.agent
    if agent is None or agent.running or pod.runs_once or (agent.exit_code is None and agent.last_exit_code is None):
        return None
    return "AgentNotRunning", (
        f"The agent {end(agent)}; the kubelet restarts it ({agent.restarts} restarts so far). Its last output: "
        f"{kubectl.logs(pod, agent.name, previous=True)}"
    )


def end(agent: ContainerView) -> str:
    """How a container ended, and what that means."""
    code = agent.exit_code if agent.exit_code is not None else agent.last_exit_code
    if "OOMKilled" in (agent.exit_reason, agent.last_exit_reason):
        return "ran out of memory (OOMKilled): raise its memory limit in a new template version"
    match code:
        case 126:
            return "ended with exit code 126: its command cannot be executed"
        case 127:
            return "ended with exit code 127: its command is not in the image"
        case 137:
            # The runtime does not always report that memory was the cause.
            return "was killed (exit code 137), as happens when memory runs out: check its memory limit"
        case _:
            return f"ended with exit code {code}"


def lost_message(pod: PodView | None, cause: EndCause | None) -> str:
    """Why a running Task's state is unknown, and what an administrator can do."""
    why = f" ({cause.told})" if cause and cause.reason not in (DELETED, UNKNOWN) else ""
    if pod and pod.deleting:
        return (
            f"Pod {pod.name} is being deleted{why}, though the Task is to run; a new one follows when it is gone. "
            f"If its node {pod.node} is lost for good, delete the Node or force the Pod's deletion."
        )
    return f"The Pod is gone{why}, though the Task is to run; a new one follows."
