"""The rules of a start: claim, quota, Pod, node; and the cleanup after a start that failed or was canceled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from taskyard.api.vocabulary import BuildPhase, BuildReason, Transition
from taskyard.core import decision
from taskyard.core.decision import CreateClaim, CreatePod, DeletePod, EndBuild, Reserve, Rest, decide, start_deadline
from taskyard.core.observed import Observed
from unit.core.builders import at, build, container_status, observed, pod, reservation, running, task, template_version
from unit.core.situations import UNBOUND, failed, starting, stopping

START, STOP = Transition.START, Transition.STOP


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
    assert decide(starting(claim_exists=False, template_version=template_version(home=None))) == CreatePod(build())


@pytest.mark.parametrize(
    "unusable",
    [
        pytest.param(None, id="gone"),
        pytest.param(template_version(agent=None), id="without an agent"),
        pytest.param(template_version(pod={"spec": {"containers": [{"name": "agent"}]}}), id="without a command"),
    ],
)
def test_a_start_waits_while_its_template_version_is_unusable(unusable: Any) -> None:
    assert decide(starting(template_version=unusable)) == Rest()


def test_an_existing_pod_no_longer_needs_its_template_version() -> None:
    assert decide(starting(template_version=None, pods=(pod(),))) == EndBuild(
        build(), BuildPhase.SUCCEEDED, pod_uid="pod-1"
    )
    assert decide(starting(template_version=None, pods=(pod(**UNBOUND),))) == Rest()


def test_a_start_succeeds_when_its_pod_is_bound_and_its_uid_is_recorded() -> None:
    assert decide(starting(pods=(pod(),))) == EndBuild(build(), BuildPhase.SUCCEEDED, pod_uid="pod-1")


def test_an_unbound_pod_is_waited_for_until_the_start_timeout() -> None:
    assert decide(starting(pods=(pod(**UNBOUND),))) == Rest(until=at(600))
    assert decide(starting(pods=(pod(**UNBOUND),), now=at(599))) == Rest(until=at(600))


@pytest.mark.parametrize(
    ("unschedulable", "cause"),
    [
        pytest.param("0/1 nodes are available: 1 Insufficient memory.", "1 Insufficient memory", id="said"),
        pytest.param(None, "the scheduler gave no reason", id="unsaid"),
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


def test_pods_of_earlier_builds_are_deleted_before_a_new_one_is_created() -> None:
    step = decide(second_start(pods=(pod(1, phase="Failed"),)))
    assert isinstance(step, DeletePod)
    assert step.pod.name == "web-1"
    assert decide(second_start(pods=(pod(1, deleting=True),))) == Rest()
    assert isinstance(decide(second_start()), CreatePod)


def test_pods_of_earlier_builds_are_deleted_even_when_the_new_one_exists() -> None:
    step = decide(second_start(pods=(pod(1), pod(2))))
    assert isinstance(step, DeletePod)
    assert step.pod.name == "web-1"


# failed_start_left_a_pod


@pytest.mark.parametrize("phase", ["Failed", "Canceled"])
def test_a_failed_or_canceled_start_deletes_its_pod(phase: str) -> None:
    step = decide(failed(phase, pods=(pod(**UNBOUND),)))
    assert isinstance(step, DeletePod)
    assert step.pod.name == "web-1"


def test_a_failed_start_stays_failed_until_it_is_paused() -> None:
    assert decide(failed()) == Rest()
    assert decide(failed(spec={"paused": True})) == Reserve(2, STOP, BuildReason.MANUAL_PAUSE)


def test_a_canceled_start_that_is_wanted_again_before_its_stop_was_reserved_is_followed_by_another() -> None:
    assert decide(failed("Canceled")) == Reserve(2, START, BuildReason.RESUME)
    assert isinstance(decide(failed("Canceled", pods=(pod(**UNBOUND),))), DeletePod)
    assert decide(failed("Canceled", template_version=None)) == Rest()


def test_the_pod_of_a_start_that_succeeded_is_left_alone() -> None:
    assert decision.failed_start_left_a_pod(running()) is None


# start_deadline

WAITS = container_status(state="waiting", reason="ContainerCreating")
UNENROLLED: dict[str, Any] = {"workspace": {}}


@pytest.mark.parametrize(
    ("seen", "deadline"),
    [
        pytest.param(running(pods=(pod(agent=WAITS),)), at(600), id="its agent does not run yet"),
        pytest.param(running(status=UNENROLLED), at(600), id="its sidecar has not enrolled yet"),
        pytest.param(running(status=UNENROLLED, now=at(599)), at(600), id="shortly before"),
        pytest.param(running(status=UNENROLLED, now=at(600)), None, id="it is over"),
        pytest.param(running(), None, id="the agent runs"),
        pytest.param(running(status=UNENROLLED, template_version=None), None, id="the template version is gone"),
        pytest.param(running(status=UNENROLLED, pods=()), None, id="no Pod"),
        pytest.param(stopping(pods=(pod(agent=WAITS),)), None, id="it is being stopped"),
        pytest.param(observed(), None, id="no build"),
    ],
)
def test_when_an_agent_that_has_not_started_is_late(seen: Observed, deadline: object) -> None:
    assert start_deadline(seen) == deadline


def test_an_agent_that_has_not_started_is_looked_at_when_it_is_late() -> None:
    assert decide(running(status=UNENROLLED)) == Rest(until=at(600))
    assert decide(running(status=UNENROLLED, now=at(600))) == Rest()


# start_is_wanted, after a start that failed


def test_a_failed_start_is_tried_again_when_someone_asks_for_it() -> None:
    asked = failed(spec={"resumed_at": "noon"})
    assert decide(asked) == Reserve(2, START, BuildReason.RESUME)


def test_a_failed_start_is_not_retried_when_nobody_asks_again() -> None:
    seen = failed(spec={"resumed_at": "noon"})
    acted_on = {**seen.task.status, "observedResumedAt": "noon"}
    assert isinstance(decide(replace(seen, task=replace(seen.task, status=acted_on))), Rest)
    assert isinstance(decide(failed()), Rest)
