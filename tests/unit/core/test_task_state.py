"""The current state: the agent's last report, or what an initializing Task waits for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.api.vocabulary import Phase, Transition
from taskyard.core.lifecycle import AgentLifecycle, AppHealth
from taskyard.core.task_state import current_state, waiting_message
from taskyard.core.times import micro
from unit.core.builders import NOW, at, reservation

BEGUN = micro(NOW)


def build(number: int = 3, transition: str = "Start", *, seconds: float = 0) -> dict[str, Any]:
    """`status.build`, as the operator writes it."""
    return reservation(number, transition) | {"createdAt": micro(at(seconds))}


def report(number: int = 3, state: str = "Idle", *, seconds: float = 5) -> dict[str, Any]:
    """The report of a build's agent."""
    return {"state": state, "message": "done", "uri": "x:y", "timestamp": micro(at(seconds)), "build": number}


def made_up(number: int = 3, message: str = "Agent is connecting") -> dict[str, Any]:
    """The state that the operator generated for a start that was reserved at NOW."""
    return {"state": "Working", "message": message, "uri": "", "timestamp": BEGUN, "build": number}


def found(
    state: dict[str, Any] | None,
    of: dict[str, Any] | None,
    phase: Phase,
    *,
    stored: dict[str, Any] | None = None,
    workspace: str | None = "Running",
    lifecycle: AgentLifecycle | None = AgentLifecycle.CREATED,
    health: AppHealth | None = AppHealth.INITIALIZING,
) -> dict[str, Any] | None:
    return current_state(
        state=state,
        stored_build=stored or of,
        build=of,
        phase=phase,
        workspace_status=workspace,
        lifecycle=lifecycle,
        health=health,
    )


# Reports


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.INITIALIZING])
def test_a_report_of_the_newest_start_counts_in_every_phase(phase: Phase) -> None:
    """3-last."""
    assert found(report(), build(), phase) == report()


def test_a_report_counts_while_the_task_initializes_too() -> None:
    assert found(report(state="Working"), build(), Phase.INITIALIZING) == report(state="Working")


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.ACTIVE, Phase.UNKNOWN, Phase.ERROR])
def test_a_report_of_an_older_build_is_dropped_at_a_start(phase: Phase) -> None:
    """3-stale."""
    assert found(report(2), build(3), phase) is None


def test_an_initializing_task_shows_what_it_waits_for_instead_of_an_older_report() -> None:
    assert found(report(2), build(3), Phase.INITIALIZING) == made_up()


def test_the_builds_number_decides_and_no_clock() -> None:
    assert found(report(3, seconds=-900), build(3), Phase.ACTIVE) == report(3, seconds=-900)
    assert found(report(2, seconds=900), build(3), Phase.ACTIVE) is None


@pytest.mark.parametrize("phase", [Phase.PAUSING, Phase.PAUSED, Phase.ERROR])
def test_a_stop_keeps_the_last_word_of_whatever_build(phase: Phase) -> None:
    """3-last."""
    assert found(report(2), build(3, "Stop"), phase) == report(2)
    assert found(report(1), build(9, "Stop"), phase) == report(1)


def test_the_next_start_drops_it() -> None:
    """3-stale."""
    assert found(report(2), build(4), Phase.PENDING, stored=build(3, "Stop")) is None


@pytest.mark.parametrize("phase", list(Phase))
def test_without_a_build_there_is_no_state(phase: Phase) -> None:
    """3-null."""
    assert found(None, None, phase) is None
    assert found(report(), None, phase) is None


# Generated states


def test_a_generated_state_ends_with_the_initialization() -> None:
    assert found(made_up(), build(), Phase.INITIALIZING, lifecycle=AgentLifecycle.STARTING) == made_up(
        message="Agent is starting"
    )
    for phase in (Phase.PENDING, Phase.ACTIVE, Phase.UNKNOWN, Phase.ERROR):
        assert found(made_up(), build(), phase) is None


def test_a_generated_state_is_not_kept_by_a_stop() -> None:
    assert found(made_up(), build(4, "Stop", seconds=60), Phase.PAUSING, stored=build(3)) is None


def test_the_generated_state_of_one_start_is_not_mistaken_for_a_report_of_the_next() -> None:
    assert found(made_up(), build(4, seconds=60), Phase.PENDING, stored=build(3)) is None


def test_a_generated_state_has_the_builds_time_and_number_and_nothing_else() -> None:
    assert found(None, build(7, seconds=0.25), Phase.INITIALIZING) == {
        "state": "Working",
        "message": "Agent is connecting",
        "uri": "",
        "timestamp": "2026-01-31T12:00:00.250000Z",
        "build": 7,
    }


@pytest.mark.parametrize(
    ("workspace", "lifecycle", "health", "message"),
    [
        pytest.param("Pending", None, None, "Workspace is pending", id="workspace pending"),
        pytest.param("Starting", None, None, "Workspace is starting", id="workspace starting"),
        pytest.param(
            "Pending", AgentLifecycle.READY, AppHealth.INITIALIZING, "Workspace is pending", id="the workspace first"
        ),
        pytest.param("Running", None, None, "Initializing workspace", id="no lifecycle"),
        pytest.param(None, None, None, "Initializing workspace", id="nothing is known"),
        pytest.param("Running", AgentLifecycle.CREATED, None, "Agent is connecting", id="created"),
        pytest.param("Running", AgentLifecycle.STARTING, None, "Agent is starting", id="starting"),
        pytest.param(
            "Running", AgentLifecycle.READY, AppHealth.INITIALIZING, "App is initializing", id="ready, app initializing"
        ),
        pytest.param("Running", AgentLifecycle.READY, None, "Initializing workspace applications", id="ready, no app"),
        pytest.param(
            "Running",
            AgentLifecycle.READY,
            AppHealth.HEALTHY,
            "Initializing workspace applications",
            id="ready, otherwise",
        ),
        *(
            pytest.param(
                "Running", lifecycle, AppHealth.INITIALIZING, "Initializing workspace agent", id=lifecycle.lower()
            )
            for lifecycle in AgentLifecycle
            if lifecycle not in (AgentLifecycle.CREATED, AgentLifecycle.STARTING, AgentLifecycle.READY)
        ),
    ],
)
def test_what_an_initializing_task_waits_for(
    workspace: str | None, lifecycle: AgentLifecycle | None, health: AppHealth | None, message: str
) -> None:
    """3-starting."""
    assert waiting_message(workspace_status=workspace, lifecycle=lifecycle, health=health) == message


# Arbitrary input

TRANSITIONS = st.sampled_from(list(Transition))
STATES = st.sampled_from(["Working", "Idle", "Complete", "Failed"])


@st.composite
def stored_statuses(draw: st.DrawFn) -> tuple[dict[str, Any] | None, dict[str, Any] | None, dict[str, Any] | None]:
    """A state and a build as they may be in a status, and the newest build: that one or the next."""
    stored = draw(st.none() | st.builds(build, st.integers(1, 4), TRANSITIONS))
    number = stored["number"] if stored else 0
    state = draw(st.none() | st.builds(report, st.integers(1, max(number, 1)), STATES))
    if stored and stored["transition"] == Transition.START and draw(st.booleans()):
        state = made_up(number)
    newest = build(number + 1, draw(TRANSITIONS), seconds=60)
    return state, stored, draw(st.sampled_from([stored, newest]))


@given(
    status=stored_statuses(),
    phase=st.sampled_from(list(Phase)),
    workspace=st.sampled_from([None, "Pending", "Starting", "Running", "Stopping", "Stopped", "Failed"]),
    lifecycle=st.none() | st.sampled_from(list(AgentLifecycle)),
    health=st.none() | st.sampled_from(list(AppHealth)),
)
def test_there_is_one_answer_to_everything(status: Any, phase: Phase, workspace: str | None, **rest: Any) -> None:
    state, stored, of = status
    answers = [
        current_state(state=state, stored_build=stored, build=of, phase=phase, workspace_status=workspace, **rest)
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    answer = answers[0]
    if answer is None:
        assert of is None or phase is not Phase.INITIALIZING
    elif answer != state:
        assert of is not None
        assert phase is Phase.INITIALIZING
        assert (answer["state"], answer["uri"]) == ("Working", "")
        assert (answer["timestamp"], answer["build"]) == (of["createdAt"], of["number"])
    elif of is not None and of["transition"] == Transition.START:
        assert answer["build"] == of["number"], "of no older build"
    # Stored and rendered again, it is unchanged: a status that is up to date needs no write.
    once_more = current_state(state=answer, stored_build=of, build=of, phase=phase, workspace_status=workspace, **rest)
    assert once_more == answer
