"""A Task's current state: the agent's last report, or what the Task waits for while it initializes.

The rules and the messages are those of the model that the REST API is compatible with: a report counts when the newest
build is a stop, or when it was made in that build; so paused Tasks keep their last report, and resumed ones drop it.
"""

from __future__ import annotations

from taskyard.api.vocabulary import Phase, State, Transition
from taskyard.core.api_object import Manifest
from taskyard.core.lifecycle import AgentLifecycle, AppHealth


def current_state(
    *,
    state: Manifest | None,
    stored_build: Manifest | None,
    build: Manifest | None,
    phase: Phase,
    workspace_status: str | None,
    lifecycle: AgentLifecycle | None,
    health: AppHealth | None,
) -> Manifest | None:
    """`status.state` as it should be.

    `state` and `stored_build` are what the status says now, `build` is the reservation of the newest build, which may
    be about to be written.
    """
    if build is None:
        return None
    # The build's number shows which report is old: the clocks of the two processes that write the times may differ.
    is_current = state is not None and (build["transition"] != Transition.START or state["build"] == build["number"])
    if state is not None and is_current and not is_made_up(state, stored_build):
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


def is_made_up(state: Manifest, build: Manifest | None) -> bool:
    """Whether the operator wrote a state for a start, rather than the agent reporting it: it then has that build's time
    to the microsecond."""
    return build is not None and bool(state["build"] == build["number"] and state["timestamp"] == build["createdAt"])


def waiting_message(*, workspace_status: str | None, lifecycle: AgentLifecycle | None, health: AppHealth | None) -> str:
    """What an initializing Task is waiting for."""
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
