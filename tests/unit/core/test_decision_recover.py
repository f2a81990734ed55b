"""The rule of the lost Pod: a new start with a growing delay, at most five in a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from taskyard.api.workspacebuild import BuildPhase, BuildReason, Transition
from taskyard.core import decision
from taskyard.core.decision import RECOVER_LIMIT, EndBuild, Reserve, Rest, decide
from taskyard.core.observed import BuildView, Observed
from unit.core.builders import NOW, at, build, observed, pod, reservation, running, task

START, STOP = Transition.START, Transition.STOP


def recoveries(count: int, *, lasted: float = 1.0, **fields: Any) -> Observed:
    """A Task whose Pod is lost after `count` recoveries that lasted `lasted` seconds each, the last one made NOW."""
    numbers = range(1, count + 2)
    builds: list[BuildView] = [
        build(
            number,
            reason="Initial" if number == 1 else "Recover",
            phase="Succeeded",
            pod_uid=f"pod-{number}",
            created_at=NOW - timedelta(seconds=lasted * (count + 1 - number)),
        )
        for number in numbers
    ]
    reserved = reservation(count + 1, reason=builds[-1].reason, phase="Succeeded")
    return observed(task(status={"phase": "Active", "build": reserved}), builds=tuple(builds), **fields)


@pytest.mark.parametrize(
    "pods",
    [
        pytest.param((), id="gone"),
        pytest.param((pod(phase="Failed"),), id="failed"),
        pytest.param((pod(phase="Succeeded"),), id="ended by itself"),
        pytest.param((pod(uid="another"),), id="another of its name"),
    ],
)
def test_a_lost_pod_is_recovered_at_once_the_first_time(pods: tuple[Any, ...]) -> None:
    assert decide(running(pods=pods)) == Reserve(2, START, BuildReason.RECOVER)


def test_a_pod_that_is_being_deleted_is_waited_for() -> None:
    assert decide(running(pods=(pod(deleting=True),))) == Rest()


@pytest.mark.parametrize(
    ("lost_before", "wait"),
    [
        pytest.param(1, 10, id="once: 10 s"),
        pytest.param(2, 20, id="twice: 20 s"),
        pytest.param(3, 40, id="three times: 40 s"),
        pytest.param(4, 80, id="four times: 80 s"),
    ],
)
def test_recoveries_come_later_each_time(lost_before: int, wait: int) -> None:
    lost = recoveries(lost_before)
    assert decide(lost) == Rest(until=at(wait))
    assert decide(replace(lost, now=at(wait - 1))) == Rest(until=at(wait))
    assert decide(replace(lost, now=at(wait))) == Reserve(lost_before + 2, START, BuildReason.RECOVER)


def test_five_recoveries_in_a_row_are_the_most() -> None:
    lost = recoveries(RECOVER_LIMIT)
    step = decide(lost)
    assert isinstance(step, EndBuild)
    assert (step.build.number, step.phase) == (RECOVER_LIMIT + 1, BuildPhase.FAILED)
    assert step.message
    assert "lost 6 times in a row" in step.message
    assert "Pause and resume the Task to try again" in step.message


def test_a_pod_that_lasted_resets_the_count() -> None:
    assert decide(replace(recoveries(RECOVER_LIMIT), now=at(601))) == Reserve(7, START, BuildReason.RECOVER)
    assert decision.failed_recoveries(recoveries(4, lasted=601)) == 1


def test_recoveries_before_a_pause_do_not_count() -> None:
    lost = recoveries(3)
    builds = (*lost.builds, build(5, "Stop", "ManualPause", "Succeeded"), build(6, "Start", "Resume", "Succeeded"))
    assert decision.failed_recoveries(replace(lost, builds=builds)) == 0


def test_a_lost_pod_is_not_recovered_when_the_task_is_to_pause() -> None:
    assert decide(running(of={"paused": True}, pods=())) == Reserve(2, STOP, BuildReason.MANUAL_PAUSE)
