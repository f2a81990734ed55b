"""A Task's current state: the agent's last report, or while the Task initializes what it waits for.

The rules and the messages are those of the model that the REST API is compatible with: a report counts when the newest
build is a stop, or when it was made in that build; paused Tasks so keep their last word, and resumed ones drop it.
"""

from __future__ import annotations

from taskyard.api.task import Phase, State
from taskyard.api.workspacebuild import Transition
from taskyard.core.lifecycle import AgentLifecycle, AppHealth
from taskyard.core.observed import Manifest


def current_state(
    *,
    state: Manifest | None,
    build: Manifest | None,
    phase: Phase,
    workspace_status: str | None,
    lifecycle: AgentLifecycle | None,
    health: AppHealth | None,
) -> Manifest | None:
    """`status.state` as it should be; `state` is the stored one, `build` the reservation of the newest build."""
    if build is None:
        return None
    if state is not None and (build["transition"] != Transition.START or is_of_build(state, build)):
        return state
    if phase is not Phase.INITIALIZING:
        return None
    return {
        "state": State.WORKING,
        "message": waiting_message(workspace_status=workspace_status, lifecycle=lifecycle, health=health),
        "uri": "",
        "timestamp": build["createdAt"],
        "build": build["number"],
    }


def is_of_build(state: Manifest, build: Manifest) -> bool:
    """Whether a state was reported in a start build, not before it and not made up for it.

    The build's number tells the first: the clocks of the two that write the times need not agree. What is made up bears
    the time of the build to the microsecond.
    """
    return bool(state["build"] == build["number"] and state["timestamp"] != build["createdAt"])


def waiting_message(*, workspace_status: str | None, lifecycle: AgentLifecycle | None, health: AppHealth | None) -> str:
    """What an initializing Task waits for."""
    if workspace_status in ("Pending", "Starting"):
        return f"Workspace is {workspace_status.lower()}"
    match lifecycle:
        case None:
            return "Initializing workspace"
        case AgentLifecycle.CREATED:
            return "Agent is connecting"
        case AgentLifecycle.STARTING:
            return "Agent is starting"
        case AgentLifecycle.READY if health is AppHealth.INITIALIZING:
            return "App is initializing"
        case AgentLifecycle.READY:
            return "Initializing workspace applications"
        case _:
            return "Initializing workspace agent"
