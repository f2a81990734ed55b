"""Translates the vocabulary of the objects into that of the REST API. Pure."""

from collections.abc import Mapping
from typing import Any

from taskyard.api.vocabulary import BuildPhase, BuildReason, Phase, State, Transition
from taskyard.core.lifecycle import AgentLifecycle
from taskyard.gateway.rest.cache.objects.task import TaskView

# The cluster, which is the one organization.
ORGANIZATION = "default"
PAUSING = "unknown"

STATUSES: Mapping[str, str] = {
    Phase.PENDING: "pending",
    Phase.INITIALIZING: "initializing",
    Phase.ACTIVE: "active",
    Phase.PAUSING: PAUSING,
    Phase.PAUSED: "paused",
    Phase.UNKNOWN: "unknown",
    Phase.ERROR: "error",
}
STATES: Mapping[str, str] = {
    State.WORKING: "working",
    State.IDLE: "idle",
    State.COMPLETE: "complete",
    State.FAILED: "failed",
}
LIFECYCLES: Mapping[str, str] = {
    AgentLifecycle.CREATED: "created",
    AgentLifecycle.STARTING: "starting",
    AgentLifecycle.READY: "ready",
    AgentLifecycle.START_ERROR: "start_error",
    AgentLifecycle.START_TIMEOUT: "start_timeout",
    AgentLifecycle.SHUTTING_DOWN: "shutting_down",
    AgentLifecycle.OFF: "off",
}
REASONS: Mapping[str, str] = {
    BuildReason.INITIAL: "initiator",
    BuildReason.MANUAL_PAUSE: "task_manual_pause",
    BuildReason.AUTO_PAUSE: "task_auto_pause",
    BuildReason.MAX_RUNTIME: "task_auto_pause",
    BuildReason.FINISHED: "task_auto_pause",
    BuildReason.RESUME: "task_resume",
    BuildReason.RECOVER: "task_resume",
}
JOBS: Mapping[str, str] = {
    BuildPhase.PENDING: "pending",
    BuildPhase.RUNNING: "running",
    BuildPhase.SUCCEEDED: "succeeded",
    BuildPhase.FAILED: "failed",
    BuildPhase.CANCELED: "canceled",
}


def phase(task: TaskView) -> str:
    """A Task's phase."""
    return task.phase or Phase.PENDING


def status(task: TaskView) -> str:
    """A Task's status on the wire."""
    return STATUSES.get(phase(task), "unknown")


def workspace_status(task: TaskView) -> str:
    """The status of a Task's workspace on the wire."""
    if task.workspace.status:
        return task.workspace.status.lower()
    return "stopped" if phase(task) == Phase.PAUSED else "pending"


def build_number(task: TaskView) -> int:
    """Number of the newest build, 0 before the first."""
    return task.build.number if task.build else 0


def has_agent(task: TaskView) -> bool:
    """Whether the newest build has created a Pod."""
    is_start = task.build is not None and task.build.transition == Transition.START
    return is_start and bool(task.workspace.pod or task.workspace.agent_lifecycle)


def agent_health(lifecycle: str | None) -> dict[str, Any]:
    """Whether the agent is healthy, as a response object."""
    if lifecycle == AgentLifecycle.READY:
        return {"healthy": True}
    word = LIFECYCLES.get(lifecycle or "", "created")
    return {"healthy": False, "reason": f"The agent is not ready: {word.replace('_', ' ')}."}
