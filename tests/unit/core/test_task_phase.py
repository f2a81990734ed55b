"""A Task's phase, row by row, and over all combinations."""

from __future__ import annotations

import itertools

import pytest

from taskyard.api.vocabulary import BuildPhase, Phase, Transition
from taskyard.core import task_phase
from taskyard.core.lifecycle import AgentLifecycle, AppHealth

START, STOP = Transition.START, Transition.STOP


@pytest.mark.parametrize(
    ("transition", "phase", "expected"),
    [
        pytest.param(START, BuildPhase.PENDING, Phase.PENDING, id="a start that waits: pending"),
        pytest.param(START, BuildPhase.RUNNING, Phase.ACTIVE, id="a start that runs: the agent decides"),
        pytest.param(START, BuildPhase.SUCCEEDED, Phase.ACTIVE, id="a start that succeeded: the agent decides"),
        pytest.param(START, BuildPhase.FAILED, Phase.ERROR, id="a start that failed: error"),
        pytest.param(START, BuildPhase.CANCELED, Phase.ERROR, id="a start that was canceled: error"),
        pytest.param(STOP, BuildPhase.PENDING, Phase.PAUSING, id="a stop that waits: pausing, Taskyard's own"),
        pytest.param(STOP, BuildPhase.RUNNING, Phase.PAUSING, id="a stop that runs: pausing, Taskyard's own"),
        pytest.param(STOP, BuildPhase.SUCCEEDED, Phase.PAUSED, id="a stop that succeeded: paused"),
        pytest.param(STOP, BuildPhase.FAILED, Phase.ERROR, id="a stop that failed: error"),
        pytest.param(STOP, BuildPhase.CANCELED, Phase.ERROR, id="a stop that was canceled: error"),
    ],
)
def test_the_build_says(transition: Transition, phase: BuildPhase, expected: Phase) -> None:
    """3-build."""
    assert task_phase.from_build(transition=transition, phase=phase) is expected


@pytest.mark.parametrize(
    ("lifecycle", "expected"),
    [
        pytest.param(None, Phase.INITIALIZING, id="no agent yet"),
        pytest.param(AgentLifecycle.CREATED, Phase.INITIALIZING, id="created"),
        pytest.param(AgentLifecycle.STARTING, Phase.INITIALIZING, id="starting"),
        pytest.param(AgentLifecycle.READY, Phase.ACTIVE, id="ready"),
        pytest.param(AgentLifecycle.START_TIMEOUT, Phase.ACTIVE, id="start timeout: the app decides"),
        pytest.param(AgentLifecycle.START_ERROR, Phase.ACTIVE, id="start error: the app decides"),
        pytest.param(AgentLifecycle.SHUTTING_DOWN, Phase.UNKNOWN, id="shutting down"),
        pytest.param(AgentLifecycle.OFF, Phase.UNKNOWN, id="off"),
    ],
)
def test_the_agent_says(lifecycle: AgentLifecycle | None, expected: Phase) -> None:
    """3-agent."""
    assert task_phase.from_agent(lifecycle) is expected


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        pytest.param(AppHealth.INITIALIZING, Phase.INITIALIZING, id="initializing"),
        pytest.param(AppHealth.UNHEALTHY, Phase.ERROR, id="unhealthy"),
        pytest.param(AppHealth.HEALTHY, Phase.ACTIVE, id="healthy"),
        pytest.param(None, Phase.UNKNOWN, id="none"),
    ],
)
def test_the_app_says(health: AppHealth | None, expected: Phase) -> None:
    """3-app."""
    assert task_phase.from_app(health) is expected


COMBINATIONS = list(
    itertools.product(tuple(Transition), tuple(BuildPhase), (None, *AgentLifecycle), (None, *AppHealth))
)


def test_every_combination_has_one_phase_and_always_the_same() -> None:
    assert len(COMBINATIONS) == 2 * 5 * 8 * 4
    for transition, build_phase, lifecycle, health in COMBINATIONS:
        answers = {
            task_phase.phase(transition=transition, build_phase=build_phase, lifecycle=lifecycle, health=health)
            for _ in range(2)
        }
        assert len(answers) == 1
        assert answers <= set(Phase)


def test_the_first_that_is_not_active_wins_build_then_agent_then_app() -> None:
    """3-overall."""
    for transition, build_phase, lifecycle, health in COMBINATIONS:
        found = task_phase.phase(transition=transition, build_phase=build_phase, lifecycle=lifecycle, health=health)
        layers = [
            task_phase.from_build(transition=transition, phase=build_phase),
            task_phase.from_agent(lifecycle),
            task_phase.from_app(health),
        ]
        not_active = [layer for layer in layers if layer is not Phase.ACTIVE]
        assert found is (not_active[0] if not_active else Phase.ACTIVE)


def test_active_means_started_and_the_app_healthy() -> None:
    active = {
        (transition, lifecycle, health)
        for transition, build_phase, lifecycle, health in COMBINATIONS
        if task_phase.phase(transition=transition, build_phase=build_phase, lifecycle=lifecycle, health=health)
        is Phase.ACTIVE
    }
    assert active == {
        (START, lifecycle, AppHealth.HEALTHY)
        for lifecycle in (AgentLifecycle.READY, AgentLifecycle.START_TIMEOUT, AgentLifecycle.START_ERROR)
    }


def test_pausing_comes_from_stop_builds_alone() -> None:
    for transition, build_phase, lifecycle, health in COMBINATIONS:
        found = task_phase.phase(transition=transition, build_phase=build_phase, lifecycle=lifecycle, health=health)
        is_stopping = transition is STOP and build_phase in (BuildPhase.PENDING, BuildPhase.RUNNING)
        assert (found is Phase.PAUSING) == is_stopping


def test_an_app_that_never_answered_in_its_time_is_an_error_and_nothing_else_changes() -> None:
    """K4"""
    for transition, build_phase, lifecycle, health in COMBINATIONS:
        found, given_up = (
            task_phase.phase(
                transition=transition, build_phase=build_phase, lifecycle=lifecycle, health=health, given_up=late
            )
            for late in (False, True)
        )
        waits_for_app = found is Phase.INITIALIZING and task_phase.from_agent(lifecycle) is Phase.ACTIVE
        assert given_up is (Phase.ERROR if waits_for_app else found)
