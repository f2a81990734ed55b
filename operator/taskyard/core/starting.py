"""What holds up the start of an agent that runs already: nothing has read its terminal yet.

The sidecar reports it until the first prompt is typed; the gateway writes it into `status.workspace.starting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskyard.core.lifecycle import AgentLifecycle, AppHealth

NOT_READING = "NotReading"
REMEDY = (
    "The prompt is typed as soon as it does. If a start script still works, raise spec.startTimeoutSeconds of the "
    "template version; if the screen shows that the agent is ready, name what it shows in spec.agent.ready."
)


def reported(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The report in a Task's status; None when nothing holds up the start."""
    return (status.get("workspace") or {}).get("starting")


def held_up(
    lifecycle: AgentLifecycle | None, health: AppHealth | None, status: Mapping[str, Any]
) -> tuple[AgentLifecycle | None, AppHealth | None]:
    """Lifecycle and health of an agent that runs, by what holds up its start: it starts, or took too long for that."""
    found = reported(status)
    if found is None or lifecycle is not AgentLifecycle.READY:
        return lifecycle, health
    if found["reason"] != NOT_READING:
        return AgentLifecycle.STARTING, health
    return AgentLifecycle.START_TIMEOUT, AppHealth.UNHEALTHY if health is AppHealth.HEALTHY else health


def explanation(status: Mapping[str, Any]) -> tuple[str, str] | None:
    """Reason and message of the condition Ready while something holds up the start."""
    found = reported(status)
    if found is None:
        return None
    if found["reason"] == NOT_READING:
        cause = found["message"] or "Nothing reads the agent's terminal"
        return NOT_READING, f"{cause.rstrip('.')}. {REMEDY}"
    return "Initializing", found["message"] or "The agent has been started; nothing reads its terminal yet."
