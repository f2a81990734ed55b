"""Keystrokes are for what is on the screen: they are pressed there, or refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from taskyard.core.inputs import Deliver, InputStep, Reject, RestInputs, next_step
from taskyard.core.keystrokes import agent_since
from taskyard.core.task_view import TaskView
from unit.core.builders import at, container_status, pod, reservation, task, task_input

STARTED = reservation(phase="Succeeded")
STOPPED = reservation(2, "Stop", "ManualPause", "Succeeded")
STOPPED_BY_ITSELF = reservation(2, "Stop", "AutoPause", "Succeeded")
REMEDY = "Apply it again, under another name, when the Task is Active."


def of(phase: str, build: dict[str, Any] | None = None, *, workspace: dict[str, Any] | None = None) -> TaskView:
    return task(status={"phase": phase, "workspace": workspace or {}, **({"build": build} if build else {})})


def step(
    seen: TaskView | None, *, pod: float | None = -30, created: float = 0, type: str = "Raw", **fields: Any
) -> InputStep:
    """What becomes of an input that is created at `created` when the agent runs since `pod`, None if it does not."""
    entry = task_input(type=type, created_at=at(created), **fields)
    return next_step(
        seen,
        (entry,),
        created_at=at(-60) if seen else None,
        retention=timedelta(hours=1),
        now=at(20),
        agent_since=None if pod is None else at(pod),
    )


@pytest.mark.parametrize(
    ("seen", "given", "says"),
    [
        pytest.param(of("Paused", STOPPED), {}, 'Task "web" is paused', id="paused"),
        pytest.param(of("Paused", STOPPED_BY_ITSELF), {"resume": True}, "is paused", id="though it would resume"),
        pytest.param(of("Paused"), {"pod": None}, "is paused", id="paused before its first start"),
        pytest.param(of("Pausing", reservation(2, "Stop")), {}, "is being paused", id="being paused"),
        pytest.param(of("Pending"), {"pod": None}, "has not started yet", id="before its first start"),
        pytest.param(of("Pending", reservation(3, reason="Resume")), {}, "has not started yet", id="being resumed"),
        pytest.param(of("Initializing", STARTED), {}, "is still starting", id="nothing has answered yet"),
        pytest.param(of("Error", STARTED), {}, "is still starting", id="a start that failed"),
        pytest.param(of("Unknown", STARTED), {"pod": None}, "does not run now", id="the Pod is lost"),
        pytest.param(of("Active", STARTED), {"pod": None}, "does not run now", id="the Pod is lost just now"),
        pytest.param(of("Active", STARTED), {"created": -31}, "was started after it", id="for the Pod before"),
        pytest.param(None, {"owner_uid": None, "pod": None}, 'there is no Task "web"', id="no Task"),
    ],
)
def test_keys_without_a_screen_are_refused_with_cause_and_remedy(
    seen: TaskView | None, given: dict[str, Any], says: str
) -> None:
    found = step(seen, **given)
    assert isinstance(found, Reject)
    assert found.message.startswith("Keystrokes (type Raw) are for what is on the agent's screen, and ")
    assert says in found.message
    assert found.message.endswith(REMEDY)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(of("Active", STARTED), Deliver, id="the agent is there"),
        pytest.param(
            of("Initializing", STARTED, workspace={"starting": {"reason": "", "message": ""}}),
            Deliver,
            id="a start script asks",
        ),
        pytest.param(
            of("Error", STARTED, workspace={"activeAt": "2026-01-31T11:59:00Z"}), RestInputs, id="silent for a moment"
        ),
    ],
)
def test_keys_for_a_screen_are_pressed(seen: TaskView, expected: type) -> None:
    assert isinstance(step(seen), expected)
    assert isinstance(step(seen, created=-30), expected), "in the Pod's own second"


def test_a_refusal_after_a_failed_attempt_does_not_claim_that_nothing_was_pressed() -> None:
    found = step(of("Paused", STOPPED), status={"attempts": 1})
    assert isinstance(found, Reject)
    assert "it is in doubt whether it was pressed" in found.message
    first = step(of("Paused", STOPPED))
    assert isinstance(first, Reject)
    assert "doubt" not in first.message


def test_keys_of_a_task_that_is_being_deleted_go_with_it() -> None:
    leaving = task(status={"phase": "Active", "build": STARTED}, deleting=True)
    assert step(leaving, pod=None) == RestInputs()


def test_keys_whose_task_the_past_knows_wait_until_it_is_seen() -> None:
    waiting = step(None, owner_uid=None, pod=None, status={"taskUID": "another"})
    assert isinstance(waiting, RestInputs)


def restarted(at: str) -> dict[str, Any]:
    return container_status(restarts=1, last_exit_code=1) | {"state": {"running": {"startedAt": at}}}


@pytest.mark.parametrize(
    ("of_pod", "expected"),
    [
        pytest.param({}, at(0), id="since its Pod was created"),
        pytest.param({"agent": restarted("2026-01-31T12:05:00Z")}, at(300), id="since it was restarted"),
        pytest.param({"agent": restarted("2026-01-31T11:00:00Z")}, at(0), id="never before its Pod"),
        pytest.param({"agent": container_status(state="terminated", exit_code=1)}, None, id="it has ended"),
        pytest.param({"agent": container_status(state="waiting", reason="CrashLoopBackOff")}, None, id="it waits"),
        pytest.param({"deleting": True}, None, id="its Pod is being deleted"),
        pytest.param({"phase": "Failed"}, None, id="its Pod has ended"),
    ],
)
def test_since_when_an_agent_runs(of_pod: dict[str, Any], expected: object) -> None:
    """What waits for a program that has ended would be pressed into the one that comes after it."""
    assert agent_since(pod(**of_pod)) == expected
    assert agent_since(None) is None


def test_a_node_whose_clock_is_ahead_does_not_start_an_agent_later_than_that_was_seen() -> None:
    ahead = pod(agent=restarted("2026-01-31T12:01:00Z"))
    assert agent_since(ahead, latest=at(10)) == at(10)
    assert agent_since(ahead, latest=at(100)) == at(60)
    assert agent_since(ahead, latest=at(-10)) == at(0), "never before its Pod"


@pytest.mark.parametrize("type", ["User", "Control"])
def test_messages_and_commands_wait_in_line_for_the_next_start(type: str) -> None:
    """They are typed once the agent waits for input, after its prompt: they spoil nothing."""
    assert step(of("Paused", STOPPED), type=type) == RestInputs()
    assert isinstance(step(of("Active", STARTED), type=type, created=-31), Deliver)
