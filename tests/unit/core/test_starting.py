"""An agent that runs and does not read its prompt."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.vocabulary import BuildReason, Transition
from taskyard.core import status
from taskyard.core.decision import Reserve
from taskyard.core.lifecycle import AgentLifecycle, AppHealth
from taskyard.core.starting import held_up
from taskyard.core.status import document
from unit.core.builders import Manifest, pod, running

INSTALLS = {"reason": "", "message": "npm runs, and nothing reads the terminal"}
LATE = {**INSTALLS, "reason": "NotReading"}


def shown(starting: Manifest | None, *, health: str = "Healthy", **fields: Any) -> Manifest:
    """The status of a Task whose Pod runs and whose sidecar has reported that."""
    workspace = {"sidecarVersion": "0.2.0", "appHealth": health, "starting": starting}
    return document(running(status={"workspace": {k: v for k, v in workspace.items() if v is not None}}, **fields))


def conditions(found: Manifest) -> dict[str, tuple[str, str]]:
    return {condition["type"]: (condition["status"], condition["reason"]) for condition in found["conditions"]}


def ready_message(found: Manifest) -> str:
    return str(next(c["message"] for c in found["conditions"] if c["type"] == "Ready"))


def test_until_something_reads_the_task_is_initializing() -> None:
    """T2"""
    found = shown(INSTALLS)
    assert found["phase"] == "Initializing"
    assert found["workspace"]["agentLifecycle"] == "Starting"
    assert conditions(found)["Ready"] == ("False", "Initializing")
    assert conditions(found)["Reconciling"] == ("True", "Initializing")
    assert ready_message(found) == "npm runs, and nothing reads the terminal"


def test_when_nothing_has_read_in_time_the_cause_and_the_remedy_are_told() -> None:
    """T2"""
    found = shown(LATE)
    assert found["phase"] == "Error"
    assert (found["workspace"]["agentLifecycle"], found["workspace"]["appHealth"]) == ("StartTimeout", "Unhealthy")
    assert conditions(found)["Ready"] == ("False", "NotReading")
    assert conditions(found)["Stalled"] == ("True", "NotReading")
    assert ready_message(found).startswith("npm runs, and nothing reads the terminal. The prompt is typed as soon")
    assert "spec.agent.ready" in ready_message(found)
    assert "spec.startTimeoutSeconds" in ready_message(found)


@pytest.mark.parametrize("health", ["Healthy", "Unhealthy"])
def test_as_soon_as_something_reads_the_task_is_active(health: str) -> None:
    found = shown(None, health=health)
    assert (found["phase"], conditions(found)["Ready"]) == ("Active", ("True", "Active"))


def test_an_agent_that_has_ended_is_explained_by_its_end() -> None:
    from unit.core.builders import container_status

    ended = pod(agent=container_status(state="waiting", reason="CrashLoopBackOff", restarts=2, last_exit_code=127))
    assert conditions(shown(INSTALLS, pods=(ended,)))["Ready"] == ("False", "AgentNotRunning")


def test_a_new_start_forgets_what_held_up_the_last_one() -> None:
    reserve = Reserve(2, Transition.START, BuildReason.RESUME)
    seen = running(status={"workspace": {"starting": LATE}})
    assert document(seen, reserve=reserve)["workspace"]["starting"] is None
    assert status.patch(seen.task.status, document(seen, reserve=reserve))["workspace"]["starting"] is None


@pytest.mark.parametrize("lifecycle", [None, AgentLifecycle.CREATED, AgentLifecycle.OFF, AgentLifecycle.START_ERROR])
def test_an_agent_that_does_not_run_is_not_held_up(lifecycle: AgentLifecycle | None) -> None:
    known = {"workspace": {"starting": LATE}}
    assert held_up(lifecycle, AppHealth.HEALTHY, known) == (lifecycle, AppHealth.HEALTHY)


def test_a_reason_that_is_not_known_yet_is_no_fault() -> None:
    assert shown({"reason": "Compiling", "message": ""})["phase"] == "Initializing"
