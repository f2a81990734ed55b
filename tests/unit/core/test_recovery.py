"""The rule of the lost Pod: a new start with a growing delay, at most five in a row; disruptions do not count."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from taskyard.api.vocabulary import BuildPhase, BuildReason, Transition
from taskyard.core import status
from taskyard.core.build_view import BuildView
from taskyard.core.decision import EndBuild, KeepPodEnd, Reserve, Rest, decide
from taskyard.core.observed import Observed
from taskyard.core.pod_end import DISRUPTIONS, EndCause
from taskyard.core.recovery import RECOVER_LIMIT, Losses, losses, next_start
from taskyard.core.times import rfc3339
from unit.core.builders import NOW, at, build, observed, pod, pod_end, reservation, running, task

START, STOP = Transition.START, Transition.STOP
UNKNOWN = EndCause("Unknown")
DRAINED = "EvictionByEvictionAPI"


def recoveries(*ends: str | None, lasted: float = 1.0, active: float | None = 1.0, **fields: Any) -> Observed:
    """A Task whose Pod is lost, as it was before: `ends` are the reasons for which the Pods of its builds were lost,
    the last one's now; None for a build that does not tell. Each was there for `lasted` seconds, and its agent had
    answered for `active` of them, or never. The first build is no recovery."""
    builds: list[BuildView] = []
    for number, reason in enumerate(ends, start=1):
        made = NOW - timedelta(seconds=lasted * (len(ends) - number))
        lost = made + timedelta(seconds=lasted if number < len(ends) else 0)
        since = None if active is None else lost - timedelta(seconds=active)
        builds.append(
            build(
                number,
                reason="Initial" if number == 1 else "Recover",
                phase="Succeeded",
                pod_uid=f"pod-{number}",
                created_at=made,
                pod_end=pod_end(reason, at=lost, active_at=since) if reason else None,
            )
        )
    reserved = reservation(len(ends), reason=builds[-1].reason, phase="Succeeded")
    return observed(task(status={"phase": "Unknown", "build": reserved}), builds=tuple(builds), **fields)


@pytest.mark.parametrize(
    ("pods", "cause"),
    [
        pytest.param((), UNKNOWN, id="gone"),
        pytest.param((pod(phase="Failed"),), EndCause("PodFailed"), id="failed"),
        pytest.param((pod(phase="Succeeded"),), EndCause("PodSucceeded"), id="ended by itself"),
        pytest.param((pod(uid="another"),), UNKNOWN, id="another of its name"),
    ],
)
def test_a_lost_pod_is_kept_in_its_build_and_recovered_at_once_the_first_time(
    pods: tuple[Any, ...], cause: EndCause
) -> None:
    lost = running(pods=pods)
    step = decide(lost)
    assert isinstance(step, KeepPodEnd)
    assert (step.build.number, step.end.cause, step.end.at, step.end.active_at) == (1, cause, NOW, None)
    told = replace(lost, builds=(replace(step.build, pod_end=step.end),))
    assert decide(told) == Reserve(2, START, BuildReason.RECOVER)


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
    lost = recoveries(*["Evicted"] * (lost_before + 1))
    assert decide(lost) == Rest(until=at(wait))
    assert decide(replace(lost, now=at(wait - 1))) == Rest(until=at(wait))
    assert decide(replace(lost, now=at(wait))) == Reserve(lost_before + 2, START, BuildReason.RECOVER)


def test_five_recoveries_in_a_row_are_the_most() -> None:
    lost = recoveries(*["Evicted"] * (RECOVER_LIMIT + 1))
    step = decide(lost)
    assert isinstance(step, EndBuild)
    assert (step.build.number, step.phase) == (RECOVER_LIMIT + 1, BuildPhase.FAILED)
    assert step.message
    assert "lost 6 times in a row (last: Evicted);" in step.message
    assert "Pause and resume the Task to try again" in step.message


def test_recoveries_before_a_pause_do_not_count() -> None:
    lost = recoveries(*["Evicted"] * 4)
    builds = (*lost.builds, build(5, "Stop", "ManualPause", "Succeeded"), build(6, "Start", "Resume", "Succeeded"))
    assert losses(replace(lost, builds=builds)) == Losses(0, 0)


def test_a_lost_pod_is_not_recovered_when_the_task_is_to_pause() -> None:
    assert decide(running(of={"paused": True}, pods=())) == Reserve(2, STOP, BuildReason.MANUAL_PAUSE)


@pytest.mark.parametrize("reason", sorted({*DISRUPTIONS, "NodeShutdown"}))
def test_however_many_disruptions_there_are_the_task_recovers(reason: str) -> None:
    """K11"""
    lost = recoveries(*[reason] * 10, lasted=30)
    assert losses(lost) == Losses(failed=0, disrupted=9)
    step = decide(replace(lost, now=at(600)))
    assert step == Reserve(11, START, BuildReason.RECOVER)


def test_six_evictions_half_a_minute_apart_are_recovered_from_without_a_pause() -> None:
    """K11"""
    for count in range(1, 7):
        lost = recoveries(*[DRAINED] * count, lasted=30)
        assert decide(replace(lost, now=at(30))) == Reserve(count + 1, START, BuildReason.RECOVER), count


@pytest.mark.parametrize(
    ("disrupted", "wait"),
    [(1, 5), (4, 5), (5, 10), (6, 20), (8, 80), (9, 160)],
)
def test_a_long_row_of_disruptions_is_paced(disrupted: int, wait: int) -> None:
    """K11"""
    assert decide(recoveries(*[DRAINED] * (disrupted + 1))) == Rest(until=at(wait))


def test_the_longest_wait_is_five_minutes() -> None:
    """K11"""
    lost = recoveries(*[DRAINED] * 40)
    assert next_start(lost.builds[-1], losses(lost)) == at(300)


def test_other_losses_count_with_disruptions_between_them() -> None:
    """K11"""
    mixed = recoveries("Evicted", "Evicted", DRAINED, "Evicted", "Deleted", DRAINED, "Unknown")
    assert losses(mixed) == Losses(failed=4, disrupted=2)
    assert decide(mixed) == Rest(until=at(80))
    once_more = recoveries("Evicted", "Evicted", DRAINED, "Evicted", "Deleted", DRAINED, "Unknown", "Evicted")
    step = decide(once_more)
    assert isinstance(step, EndBuild) and step.phase is BuildPhase.FAILED


def test_a_task_that_fills_its_disk_does_so_six_times_at_most() -> None:
    """K11: also when that takes nearly ten minutes each time."""
    lost = recoveries(*["Evicted"] * (RECOVER_LIMIT + 1), lasted=620, active=599)
    assert losses(lost).failed == RECOVER_LIMIT
    assert isinstance(decide(lost), EndBuild)


def test_the_count_begins_anew_after_ten_minutes_active() -> None:
    """K11"""
    assert losses(recoveries(*["Evicted"] * 6, lasted=620, active=600)) == Losses(0, 0)


def test_time_without_an_answer_is_not_active() -> None:
    """K11: a Pod that was there for an hour and never came up is a failed recovery."""
    assert losses(recoveries(*["Evicted"] * 4, lasted=3600, active=None)) == Losses(failed=3, disrupted=0)


def test_builds_of_an_earlier_version_count_by_the_time_between_them() -> None:
    assert losses(recoveries(*[None] * 5, lasted=601.0)).failed == 1
    assert losses(recoveries(*[None] * 5, lasted=599.0)).failed == 4


def test_a_disruption_is_kept_while_it_deletes_the_pod() -> None:
    """K11: later there may be nothing left to see."""
    going = running(pods=(pod(deleting=True, disruption=DRAINED),))
    step = decide(going)
    assert isinstance(step, KeepPodEnd)
    assert step.end.manifest() == {"reason": DRAINED, "message": f"told by {DRAINED}", "time": rfc3339(NOW)}
    told = replace(going, builds=(replace(step.build, pod_end=step.end),))
    assert decide(told) == Rest()


def test_a_disruption_that_is_only_announced_is_not_kept() -> None:
    """K11: it may be withdrawn."""
    assert decide(running(pods=(pod(disruption=DRAINED),))) == Rest()


def test_what_a_pod_showed_before_it_was_gone_is_kept() -> None:
    """K11"""
    step = decide(running(pods=(), lost_to=EndCause("DeletionByPodGC", "PodGC: node no longer exists", since=at(-3))))
    assert isinstance(step, KeepPodEnd)
    assert (step.end.cause.reason, step.end.at) == ("DeletionByPodGC", at(-3))


def test_the_time_of_a_pods_end_is_never_in_the_future() -> None:
    """K11: the clocks of the API server and the operator may differ."""
    step = decide(running(pods=(), lost_to=EndCause("DeletionByPodGC", since=at(3))))
    assert isinstance(step, KeepPodEnd)
    assert step.end.at == NOW


@pytest.mark.parametrize(
    ("shown", "since"),
    [
        pytest.param({"workspace": {"activeAt": rfc3339(at(-700))}}, at(-700), id="kept since the first answer"),
        pytest.param(
            {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(at(-60))}]},
            at(-60),
            id="active before an upgrade",
        ),
        pytest.param(
            {"conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": rfc3339(at(-60))}]},
            None,
            id="never active",
        ),
    ],
)
def test_how_long_the_task_was_active_is_kept_with_the_end(shown: dict[str, Any], since: Any) -> None:
    """K11"""
    step = decide(running(pods=(), status=shown))
    assert isinstance(step, KeepPodEnd)
    assert step.end.active_at == since


def test_the_first_answer_of_a_start_is_remembered_until_the_next() -> None:
    """K11"""
    first = running(status={"phase": "Initializing"})
    assert status.document(first)["workspace"]["activeAt"] == rfc3339(NOW)
    shown = {"phase": "Error", "workspace": {"sidecarVersion": "1", "activeAt": rfc3339(at(-50))}}
    assert status.document(running(status=shown))["workspace"]["activeAt"] == rfc3339(at(-50))
    again = status.document(running(status=shown), reserve=Reserve(2, START, BuildReason.RECOVER))
    assert again["workspace"]["activeAt"] is None


def test_a_task_that_was_active_before_an_upgrade_causes_no_write_for_it() -> None:
    assert status.document(running())["workspace"]["activeAt"] is None
