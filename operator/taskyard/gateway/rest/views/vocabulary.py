"""Translates the vocabulary of the objects into that of the REST API. Pure."""

from collections.abc import Mapping
from typing import Any

from taskyard.api.task import Phase, State
from taskyard.api.workspacebuild import BuildPhase, BuildReason, Transition
from taskyard.core.lifecycle import AgentLifecycle

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


def phase(task: Mapping[str, Any]) -> str:
    """A Task's phase."""
    return str(task["status"].get("phase", Phase.PENDING))


def status(task: Mapping[str, Any]) -> str:
    """A Task's status on the wire."""
    return STATUSES.get(phase(task), "unknown")


def workspace_status(task: Mapping[str, Any]) -> str:
    """The status of a Task's workspace on the wire."""
    shown = (task["status"].get("workspace") or {}).get("status")
    if shown:
        return str(shown).lower()
    return "stopped" if phase(task) == Phase.PAUSED else "pending"


def build_number(task: Mapping[str, Any]) -> int:
    """Number of the newest build, 0 before the first."""
    return int((task["status"].get("build") or {}).get("number", 0))


def has_agent(task: Mapping[str, Any]) -> bool:
    """Whether the newest build has created a Pod."""
    found, workspace = task["status"].get("build") or {}, task["status"].get("workspace") or {}
    return found.get("transition") == Transition.START and bool(workspace.get("pod") or workspace.get("agentLifecycle"))


def title(task: Mapping[str, Any]) -> str:
    """A Task's title for people."""
    shown = task["spec"].get("displayName") or task["status"].get("displayName")
    return str(shown or task["metadata"]["name"])


def agent_health(lifecycle: str | None) -> dict[str, Any]:
    """Whether the agent is healthy, as a response object."""
    if lifecycle == AgentLifecycle.READY:
        return {"healthy": True}
    word = LIFECYCLES.get(lifecycle or "", "created")
    return {"healthy": False, "reason": f"The agent is not ready: {word.replace('_', ' ')}."}
