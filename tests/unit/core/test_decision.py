"""Each rule of the chain, with what it answers to and what it leaves to the others."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from taskyard.api.workspacebuild import BuildPhase, BuildReason, Transition
from taskyard.core import decision
from taskyard.core.decision import (
    CHAIN,
    RECOVER_LIMIT,
    CreateBuild,
    CreateClaim,
    CreatePod,
    DeletePod,
    EndBuild,
    Reserve,
    Rest,
    decide,
)
from taskyard.core.observed import BuildView, Observed
from unit.core.builders import NOW, at, build, observed, pod, reservation, running, task, template

START, STOP = Transition.START, Transition.STOP


def starting(**fields: Any) -> Observed:
    """A Task whose first start build exists and is pending; claim and Pod as the test says."""
    spec = fields.pop("spec", {})
    return observed(
        task(status={"phase": "Pending", "build": reservation()}, **spec),
        builds=fields.pop("builds", (build(),)),
        **fields,
    )


def stopping(phase: str = "Pending", *, reason: str = "ManualPause", **fields: Any) -> Observed:
    """A Task with a stop build after its first start."""
    spec = fields.pop("spec", {"paused": True})
    return observed(
        task(status={"phase": "Pausing", "build": reservation(2, "Stop", reason, phase)}, **spec),
        builds=(build(phase="Succeeded", pod_uid="pod-1"), build(2, "Stop", reason, phase)),
        **fields,
    )


def failed(phase: str = "Failed", **fields: Any) -> Observed:
    spec = fields.pop("spec", {})
    return observed(
        task(status={"phase": "Error", "build": reservation(phase=phase)}, **spec),
        builds=(build(phase=phase),),
        **fields,
    )


UNBOUND = {"node": None, "phase": "Pending"}


# task_is_being_deleted


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(observed(task(deleting=True)), id="never started"),
        pytest.param(observed(task(deleting=True, status={"build": reservation()})), id="reserved"),
        pytest.param(starting(spec={"deleting": True}), id="starting"),
        pytest.param(running(of={"deleting": True}, pods=()), id="its Pod is gone"),
        pytest.param(running(of={"deleting": True, "paused": True}), id="paused"),
    ],
)
def test_nothing_is_done_for_a_task_that_is_being_deleted(seen: Observed) -> None:
    assert decide(seen) == Rest()


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
            observed(task(status={"build": reservation()}), template=None),
            CreateBuild(1, START, BuildReason.INITIAL),
            id="though the template version is gone since",
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


def test_a_reservation_whose_build_exists_is_done() -> None:
    assert decision.reserved_build_is_missing(starting()) is None
    assert decision.reserved_build_is_missing(observed()) is None


# start_is_no_longer_wanted


def test_a_pause_while_starting_cancels_the_start() -> None:
    step = decide(starting(spec={"paused": True}, pods=(pod(**UNBOUND),)))
    assert isinstance(step, EndBuild)
    assert (step.build.number, step.phase) == (1, BuildPhase.CANCELED)
    assert step.message == "The Task was paused before the workspace had started."


def test_a_canceled_starts_pod_goes_before_the_stop_is_reserved() -> None:
    canceled = failed("Canceled", spec={"paused": True}, pods=(pod(**UNBOUND),))
    assert isinstance(decide(canceled), DeletePod)
    assert decide(replace(canceled, pods=())) == Reserve(2, STOP, BuildReason.MANUAL_PAUSE)
    assert decide(replace(canceled, pods=(pod(**UNBOUND, deleting=True),))) == Reserve(
        2, STOP, BuildReason.MANUAL_PAUSE
    )


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(starting(), id="it is to run"),
        pytest.param(running(of={"paused": True}), id="the start is finished"),
        pytest.param(stopping(), id="the newest build is a stop"),
        pytest.param(observed(task(paused=True)), id="there is no build"),
    ],
)
def test_there_is_no_start_to_cancel(seen: Observed) -> None:
    assert decision.start_is_no_longer_wanted(seen) is None


# start_is_unfinished


def test_a_start_makes_the_claim_first_then_the_pod() -> None:
    assert decide(starting(claim_exists=False)) == CreateClaim()
    assert decide(starting()) == CreatePod(build())


def test_without_a_home_no_claim_is_made() -> None:
    assert decide(starting(claim_exists=False, template=template(home=None))) == CreatePod(build())


@pytest.mark.parametrize(
    "unusable",
    [
        pytest.param(None, id="gone"),
        pytest.param(template(agent=None), id="without an agent"),
        pytest.param(template(pod={"spec": {"containers": [{"name": "agent"}]}}), id="without a command"),
    ],
)
def test_a_start_waits_while_its_template_version_is_unusable(unusable: Any) -> None:
    assert decide(starting(template=unusable)) == Rest()


def test_a_start_succeeds_when_its_pod_is_bound_and_its_uid_is_recorded() -> None:
    assert decide(starting(pods=(pod(),))) == EndBuild(build(), BuildPhase.SUCCEEDED, pod_uid="pod-1")


def test_an_unbound_pod_is_waited_for_until_the_start_timeout() -> None:
    assert decide(starting(pods=(pod(**UNBOUND),))) == Rest(until=at(600))
    assert decide(starting(pods=(pod(**UNBOUND),), now=at(599))) == Rest(until=at(600))


@pytest.mark.parametrize(
    ("unschedulable", "cause"),
    [
        pytest.param("0/1 nodes are available: 1 Insufficient memory.", "1 Insufficient memory", id="said"),
        pytest.param(None, "the scheduler has not said why", id="unsaid"),
    ],
)
def test_a_start_that_times_out_names_cause_and_remedy(unschedulable: str | None, cause: str) -> None:
    step = decide(starting(pods=(pod(**UNBOUND, unschedulable=unschedulable),), now=at(600)))
    assert isinstance(step, EndBuild)
    assert step.phase is BuildPhase.FAILED
    assert step.message
    assert "Pod web-1 was not bound to a node within 600 s" in step.message
    assert cause in step.message
    assert "Free or add a node" in step.message
    assert "pause and resume the Task" in step.message


def test_a_pod_that_came_late_has_the_whole_start_timeout() -> None:
    late = starting(pods=(pod(**UNBOUND, created_at=at(5000)),), now=at(5001))
    assert decide(late) == Rest(until=at(5600))


def test_a_bound_pod_does_not_time_out() -> None:
    step = decide(starting(pods=(pod(),), now=at(10_000)))
    assert step == EndBuild(build(), BuildPhase.SUCCEEDED, pod_uid="pod-1")


def test_a_pod_that_is_deleted_while_it_starts_is_waited_out_and_made_again() -> None:
    assert decide(starting(pods=(pod(**UNBOUND, deleting=True),))) == Rest()
    assert decide(starting()) == CreatePod(build())


def second_start(**fields: Any) -> Observed:
    return observed(
        task(status={"phase": "Pending", "build": reservation(2, "Start", "Recover")}),
        builds=(build(phase="Succeeded", pod_uid="pod-1"), build(2, "Start", "Recover")),
        **fields,
    )


def test_pods_of_former_builds_go_before_a_new_one_is_made() -> None:
    step = decide(second_start(pods=(pod(1, phase="Failed"),)))
    assert isinstance(step, DeletePod)
    assert step.pod.name == "web-1"
    assert decide(second_start(pods=(pod(1, deleting=True),))) == Rest()
    assert isinstance(decide(second_start()), CreatePod)


def test_pods_of_former_builds_go_even_when_the_new_one_is_there() -> None:
    step = decide(second_start(pods=(pod(1), pod(2))))
    assert isinstance(step, DeletePod)
    assert step.pod.name == "web-1"


# failed_start_left_a_pod


@pytest.mark.parametrize("phase", ["Failed", "Canceled"])
def test_a_start_that_came_to_nothing_deletes_its_pod(phase: str) -> None:
    step = decide(failed(phase, pods=(pod(**UNBOUND),)))
    assert isinstance(step, DeletePod)
    assert step.pod.name == "web-1"


def test_a_failed_start_stays_failed_until_it_is_paused() -> None:
    assert decide(failed()) == Rest()
    assert decide(failed(spec={"paused": True})) == Reserve(2, STOP, BuildReason.MANUAL_PAUSE)


def test_a_canceled_start_that_is_wanted_again_before_its_stop_was_reserved_is_followed_by_another() -> None:
    assert decide(failed("Canceled")) == Reserve(2, START, BuildReason.RESUME)
    assert isinstance(decide(failed("Canceled", pods=(pod(**UNBOUND),))), DeletePod)
    assert decide(failed("Canceled", template=None)) == Rest()


def test_the_pod_of_a_start_that_succeeded_is_left_alone() -> None:
    assert decision.failed_start_left_a_pod(running()) is None


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
    assert isinstance(decide(stopping(pods=(pod(),), template=None)), DeletePod)


# pause_is_wanted


def test_a_running_task_is_stopped_when_asked() -> None:
    assert decide(running(of={"paused": True})) == Reserve(2, STOP, BuildReason.MANUAL_PAUSE)


def test_an_idle_task_is_stopped_when_its_time_is_over_and_looked_at_then() -> None:
    rest = {"state": "Idle", "message": "", "uri": "", "timestamp": "2026-01-31T12:00:00Z", "build": 1}
    idle = running(status={"state": rest}, of={"idleTimeout": "1m"})
    assert decide(idle) == Rest(until=at(60))
    assert decide(replace(idle, now=at(60))) == Reserve(2, STOP, BuildReason.AUTO_PAUSE)


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
    [pytest.param(None, id="there is none"), pytest.param(template(agent=None), id="it has no agent")],
)
def test_a_new_task_waits_for_its_template_version_without_a_number(unusable: Any) -> None:
    assert decide(observed(template=unusable)) == Rest()


def test_a_paused_task_is_started_again_when_asked() -> None:
    assert decide(stopping("Succeeded", spec={})) == Reserve(3, START, BuildReason.RESUME)


def test_an_automatically_paused_task_is_started_by_an_input_that_resumes() -> None:
    woken = stopping("Succeeded", reason="AutoPause", spec={}, resume_requested=True)
    assert decide(woken) == Reserve(3, START, BuildReason.RESUME)


# pod_is_lost


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


def test_a_pod_that_lasted_begins_the_count_anew() -> None:
    assert decide(replace(recoveries(RECOVER_LIMIT), now=at(601))) == Reserve(7, START, BuildReason.RECOVER)
    assert decision.failed_recoveries(recoveries(4, lasted=601)) == 1


def test_recoveries_before_a_pause_do_not_count() -> None:
    lost = recoveries(3)
    builds = (*lost.builds, build(5, "Stop", "ManualPause", "Succeeded"), build(6, "Start", "Resume", "Succeeded"))
    assert decision.failed_recoveries(replace(lost, builds=builds)) == 0


def test_a_lost_pod_is_not_recovered_when_the_task_is_to_pause() -> None:
    assert decide(running(of={"paused": True}, pods=())) == Reserve(2, STOP, BuildReason.MANUAL_PAUSE)


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
        pytest.param(running(pods=()), decision.pod_is_lost, id="lost"),
        pytest.param(running(), None, id="nothing to do"),
    ],
)
def test_the_first_rule_with_an_answer_decides(seen: Observed, rule: Any) -> None:
    deciding = next((link for link in CHAIN if link(seen) is not None), None)
    assert deciding is rule
    assert decide(seen) == (rule(seen) if rule else Rest())
