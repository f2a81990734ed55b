"""Each rule of the chain: when it applies, and when it leaves the decision to the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from taskyard.api.vocabulary import BuildPhase, BuildReason, Transition
from taskyard.core import decision
from taskyard.core.decision import (
    CHAIN,
    CreateBuild,
    DeletePod,
    EndBuild,
    Reserve,
    Rest,
    decide,
)
from taskyard.core.observed import Observed
from unit.core.builders import at, build, observed, pod, pod_end, reservation, running, task, template_version
from unit.core.situations import UNBOUND, failed, starting, stopping

START, STOP = Transition.START, Transition.STOP


# reserved_build_is_missing


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(
            observed(task(status={"build": reservation()})),
            CreateBuild(1, START, BuildReason.INITIAL),
            id="the first",
        ),
        pytest.param(
            observed(task(status={"build": reservation()}, paused=True)),
            CreateBuild(1, START, BuildReason.INITIAL),
            id="though it was paused since: a number is never skipped",
        ),
        pytest.param(
            observed(task(status={"build": reservation()}, paused=True), template_version=None),
            CreateBuild(1, START, BuildReason.INITIAL),
            id="though the template version is gone since: it is paused, so this build will be canceled",
        ),
        pytest.param(
            running(status={"build": reservation(2, "Stop", "ManualPause")}, of={"paused": True}),
            CreateBuild(2, STOP, BuildReason.MANUAL_PAUSE),
            id="the second",
        ),
        pytest.param(
            observed(task(status={"build": reservation(12, "Start", "Resume")})),
            CreateBuild(12, START, BuildReason.RESUME),
            id="all older builds were removed",
        ),
    ],
)
def test_a_reservation_without_its_build_is_created(seen: Observed, expected: CreateBuild) -> None:
    assert decide(seen) == expected


def test_a_reserved_start_waits_for_its_template_version() -> None:
    assert decide(observed(task(status={"build": reservation()}), template_version=None)) == Rest()


def test_a_reserved_stop_does_not() -> None:
    reserved = running(
        status={"build": reservation(2, "Stop", "ManualPause")}, of={"paused": True}, template_version=None
    )
    assert decide(reserved) == CreateBuild(2, STOP, BuildReason.MANUAL_PAUSE)


def test_a_reservation_whose_build_exists_is_done() -> None:
    assert decision.reserved_build_is_missing(starting()) is None
    assert decision.reserved_build_is_missing(observed()) is None


# stop_is_unfinished


def test_a_stop_deletes_every_pod_and_succeeds_when_all_are_gone() -> None:
    both = stopping(pods=(pod(1), pod(7)))
    first = decide(both)
    assert isinstance(first, DeletePod)
    assert first.pod.name == "web-1"
    second = decide(replace(both, pods=(pod(1, deleting=True), pod(7))))
    assert isinstance(second, DeletePod)
    assert second.pod.name == "web-7"
    assert decide(replace(both, pods=(pod(1, deleting=True), pod(7, deleting=True)))) == Rest()
    step = decide(replace(both, pods=()))
    assert step == EndBuild(both.builds[-1], BuildPhase.SUCCEEDED)


def test_a_stop_goes_on_though_the_task_was_resumed_meanwhile() -> None:
    resumed = stopping(spec={"paused": False}, pods=(pod(deleting=True),))
    assert decide(resumed) == Rest()
    assert decide(replace(resumed, pods=())) == EndBuild(resumed.builds[-1], BuildPhase.SUCCEEDED)


def test_a_stop_does_not_need_the_template_version() -> None:
    assert isinstance(decide(stopping(pods=(pod(),), template_version=None)), DeletePod)


# pause_is_wanted


def test_a_running_task_is_stopped_when_asked() -> None:
    assert decide(running(of={"paused": True})) == Reserve(2, STOP, BuildReason.MANUAL_PAUSE)


def test_an_idle_task_is_stopped_when_its_time_is_over_and_looked_at_then() -> None:
    rest = {"state": "Idle", "message": "", "uri": "", "timestamp": "2026-01-31T12:00:00Z", "build": 1}
    idle = running(status={"state": rest}, of={"idleTimeout": "1m"})
    assert decide(idle) == Rest(until=at(60))
    assert decide(replace(idle, now=at(60))) == Reserve(2, STOP, BuildReason.AUTO_PAUSE)


def test_a_task_that_has_run_as_long_as_it_may_is_stopped_and_looked_at_then() -> None:
    started = replace(
        running(of={"maxRuntime": "1m"}), builds=(build(phase="Succeeded", pod_uid="pod-1", finished_at=at(10)),)
    )
    assert decide(started) == Rest(until=at(70))
    assert decide(replace(started, now=at(70))) == Reserve(2, STOP, BuildReason.MAX_RUNTIME)


def test_of_several_deadlines_the_next_is_waited_for() -> None:
    rest = {"state": "Complete", "message": "", "uri": "", "timestamp": "2026-01-31T12:00:00Z", "build": 1}
    spec = {"idleTimeout": "3m", "maxRuntime": "2m", "ttlSecondsAfterFinished": 240}
    several = replace(
        running(status={"state": rest}, of=spec),
        builds=(build(phase="Succeeded", pod_uid="pod-1", finished_at=at(10)),),
    )
    assert decide(several) == Rest(until=at(130))
    without = replace(several, task=replace(several.task, max_runtime=None))
    assert decide(without) == Rest(until=at(180))
    assert decide(replace(without, task=replace(without.task, idle_timeout=None))) == Rest(until=at(240))


def test_a_task_created_paused_gets_no_build() -> None:
    assert decide(observed(task(paused=True))) == Rest()


def test_a_paused_task_stays_paused_without_another_stop() -> None:
    assert decide(stopping("Succeeded")) == Rest()
    assert decide(stopping("Succeeded", reason="AutoPause", spec={})) == Rest()


# start_is_wanted


def test_a_new_task_is_started() -> None:
    assert decide(observed()) == Reserve(1, START, BuildReason.INITIAL)


@pytest.mark.parametrize(
    "unusable",
    [pytest.param(None, id="there is none"), pytest.param(template_version(agent=None), id="it has no agent")],
)
def test_a_new_task_waits_for_its_template_version_without_a_number(unusable: Any) -> None:
    assert decide(observed(template_version=unusable)) == Rest()


def test_a_paused_task_is_started_again_when_asked() -> None:
    assert decide(stopping("Succeeded", spec={})) == Reserve(3, START, BuildReason.RESUME)


def test_an_automatically_paused_task_is_started_by_an_input_that_resumes() -> None:
    woken = stopping("Succeeded", reason="AutoPause", spec={}, resume_requested=True)
    assert decide(woken) == Reserve(3, START, BuildReason.RESUME)


# next_number, and the chain as a whole


@pytest.mark.parametrize(
    ("reserved", "highest", "expected"),
    [
        pytest.param(None, None, 1, id="the first"),
        pytest.param(3, 3, 4, id="after the newest"),
        pytest.param(12, None, 13, id="all builds were removed"),
        pytest.param(12, 10, 13, id="the newest was removed"),
        pytest.param(None, 7, 8, id="the status was lost"),
        pytest.param(5, 7, 8, id="the status is older than the builds"),
    ],
)
def test_the_next_number_has_no_gap_and_no_repeat(reserved: int | None, highest: int | None, expected: int) -> None:
    status = {"build": reservation(reserved)} if reserved else {}
    builds = (build(highest),) if highest else ()
    assert decision.next_number(observed(task(status=status), builds=builds)) == expected


FINISHED = running(
    status={
        "state": {"state": "Failed", "message": "", "uri": "", "timestamp": "2026-01-31T12:00:00Z", "build": 1},
    },
    of={"ttlSecondsAfterFinished": 0},
)
CROWDED = replace(
    running(status={"build": reservation(11, phase="Succeeded")}),
    builds=tuple(build(number, phase="Succeeded", pod_uid="pod-1") for number in range(1, 12)),
)
LOST = replace(running(pods=()), builds=(build(phase="Succeeded", pod_uid="pod-1", pod_end=pod_end()),))


@pytest.mark.parametrize(
    ("seen", "rule"),
    [
        pytest.param(observed(task(deleting=True)), decision.task_is_being_deleted, id="deleted"),
        pytest.param(
            observed(task(status={"build": reservation()})), decision.reserved_build_is_missing, id="reserved"
        ),
        pytest.param(starting(spec={"paused": True}), decision.start_is_no_longer_wanted, id="paused while starting"),
        pytest.param(starting(), decision.start_is_unfinished, id="starting"),
        pytest.param(failed(pods=(pod(**UNBOUND),)), decision.failed_start_left_a_pod, id="failed"),
        pytest.param(stopping(pods=(pod(),)), decision.stop_is_unfinished, id="stopping"),
        pytest.param(running(of={"paused": True}), decision.pause_is_wanted, id="to be paused"),
        pytest.param(observed(), decision.start_is_wanted, id="to be started"),
        pytest.param(running(pods=()), decision.pod_end_is_untold, id="lost"),
        pytest.param(LOST, decision.pod_is_lost, id="lost, which its build tells"),
        pytest.param(FINISHED, decision.task_has_outlived_its_end, id="finished"),
        pytest.param(CROWDED, decision.builds_are_too_many, id="too many builds"),
        pytest.param(running(), None, id="nothing to do"),
    ],
)
def test_the_first_rule_with_an_answer_decides(seen: Observed, rule: Any) -> None:
    deciding = next((link for link in CHAIN if link(seen) is not None), None)
    assert deciding is rule
    assert decide(seen) == (rule(seen) if rule else Rest())
