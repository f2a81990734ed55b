"""The rules that delete builds and Tasks, and the one that ignores Tasks that are being deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from taskyard.api.vocabulary import BuildReason, Transition
from taskyard.core.build_view import BuildView
from taskyard.core.decision import (
    BUILDS_KEPT,
    CreateBuild,
    CreatePod,
    DeleteBuild,
    DeletePod,
    DeleteTask,
    EndBuild,
    Reserve,
    Rest,
    Step,
    decide,
)
from taskyard.core.observed import Observed, Obstacle
from unit.core.builders import at, build, observed, pod, pod_end, reservation, running, task
from unit.core.situations import starting

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


# task_has_outlived_its_end

DONE = {"state": "Complete", "message": "", "uri": "", "timestamp": "2026-01-31T12:00:00Z", "build": 1}


def finished(*, now: float = 60, status: dict[str, Any] | None = None, **fields: Any) -> Observed:
    """A Task that completed at NOW and is due for deletion a minute later."""
    spec = {"ttlSecondsAfterFinished": 60, **fields.pop("spec", {})}
    return running(status={"state": DONE, **(status or {})}, of=spec, now=at(now), **fields)


def test_a_finished_task_is_looked_at_and_deleted_when_its_time_to_live_is_over() -> None:
    assert decide(finished(now=0)) == Rest(until=at(60))
    assert decide(finished(now=59)) == Rest(until=at(60))
    assert decide(finished()) == DeleteTask()
    assert decide(finished(now=10**6)) == DeleteTask()


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(finished(spec={"paused": True}), id="to be paused"),
        pytest.param(finished(spec={"idleTimeout": "1s"}), id="to be paused by itself"),
        pytest.param(finished(pods=()), id="without its Pod"),
        pytest.param(finished(template_version=None), id="without its template version"),
        pytest.param(finished(status={"build": reservation(2, "Stop", "ManualPause")}), id="a stop is reserved"),
    ],
)
def test_a_deletion_that_is_due_comes_before_all_else(seen: Observed) -> None:
    assert decide(seen) == DeleteTask()


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(finished(spec={"deleting": True}), id="it goes already"),
        pytest.param(finished(inputs_queued=1), id="inputs wait for it"),
        pytest.param(finished(status={"state": DONE | {"state": "Idle"}}), id="it only rests"),
    ],
)
def test_a_task_is_not_deleted(seen: Observed) -> None:
    assert decide(seen) == Rest()


# builds_are_too_many


def flip_flopped(count: int, *, first: int = 1, phase: str = "Succeeded", **fields: Any) -> Observed:
    """A running Task with `count` builds, starts and stops in turn, the newest a start in `phase`."""
    newest = first + count - 1
    builds: list[BuildView] = []
    for number in range(first, newest + 1):
        is_start = (newest - number) % 2 == 0
        builds.append(
            build(
                number,
                "Start" if is_start else "Stop",
                "Resume" if is_start else "ManualPause",
                phase if number == newest else "Succeeded",
                pod_uid="pod-1" if is_start and number == newest and phase == "Succeeded" else None,
            )
        )
    spec = fields.pop("spec", {})
    status = {
        "phase": "Active",
        "build": reservation(newest, "Start", "Resume", phase),
        "workspace": {"sidecarVersion": "0.1.0", "appHealth": "Healthy"},
    }
    return observed(
        task(status=status, **spec),
        builds=tuple(builds),
        pods=fields.pop("pods", (pod(newest, uid="pod-1"),)),
        **fields,
    )


def test_the_ten_newest_builds_are_kept() -> None:
    assert BUILDS_KEPT == 10
    assert decide(flip_flopped(10)) == Rest()
    assert decide(flip_flopped(10, first=90)) == Rest()


def test_the_oldest_goes_first_one_at_a_time() -> None:
    seen = flip_flopped(13, first=5)
    for number in (5, 6, 7):
        step = decide(seen)
        assert step == DeleteBuild(seen.builds[0])
        assert seen.builds[0].number == number
        seen = replace(seen, builds=seen.builds[1:])
    assert decide(seen) == Rest()


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        pytest.param(flip_flopped(12, phase="Pending", pods=()), CreatePod, id="a start"),
        pytest.param(flip_flopped(12, phase="Pending"), EndBuild, id="its end"),
        pytest.param(flip_flopped(12, phase="Failed", pods=(pod(12, uid="x"),)), DeletePod, id="a failed start's Pod"),
        pytest.param(flip_flopped(12, spec={"deleting": True}), Rest, id="the Task's own deletion"),
    ],
)
def test_what_is_under_way_goes_on_first(seen: Observed, kind: type[Step]) -> None:
    assert isinstance(decide(seen), kind)


def test_an_old_build_goes_before_a_new_one_is_reserved() -> None:
    seen = flip_flopped(11, spec={"paused": True})
    assert decide(seen) == DeleteBuild(seen.builds[0])
    assert decide(replace(seen, builds=seen.builds[1:])) == Reserve(12, Transition.STOP, BuildReason.MANUAL_PAUSE)


def test_a_reserved_build_is_created_whatever_is_too_many() -> None:
    seen = flip_flopped(11)
    status = seen.task.status | {"build": reservation(12, "Stop", "ManualPause")}
    seen = replace(seen, task=replace(seen.task, status=status, paused=True))
    assert decide(seen) == CreateBuild(12, Transition.STOP, BuildReason.MANUAL_PAUSE)


# quota_has_no_room_for_the_build


def refused(seen: Observed, reason: str = "QuotaExceeded", **fields: Any) -> Observed:
    """The build that pauses the Task is reserved, and was refused."""
    assert seen.newest
    status = seen.task.status | {"build": reservation(seen.newest.number + 1, "Stop", "ManualPause")}
    found = Obstacle(reason, "exceeded quota: few, requested: count/workspacebuilds.taskyard.dev=1")
    return replace(seen, task=replace(seen.task, status=status, paused=True), obstacle=found, **fields)


def test_a_build_that_a_quota_refuses_takes_the_room_of_the_oldest_one() -> None:
    """K2."""
    seen = refused(flip_flopped(3))
    assert decide(seen) == DeleteBuild(seen.builds[0], makes_room=True)
    assert decide(replace(seen, obstacle=None)) == CreateBuild(4, Transition.STOP, BuildReason.MANUAL_PAUSE)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(refused(flip_flopped(1, first=3)), id="the only build is the newest"),
        pytest.param(refused(flip_flopped(3), room_awaited=True), id="one has just made room"),
        pytest.param(refused(flip_flopped(3), builds_stay=True), id="builds may not be deleted"),
        pytest.param(refused(flip_flopped(3), reason="WorkspaceBuildRefused"), id="a policy refuses it"),
        pytest.param(refused(flip_flopped(3), reason="WebhookFailed"), id="a webhook fails"),
    ],
)
def test_no_other_build_goes_and_the_next_one_is_tried_again(seen: Observed) -> None:
    """K2."""
    assert decide(seen) == CreateBuild(4, Transition.STOP, BuildReason.MANUAL_PAUSE)


def test_a_quota_of_something_else_takes_no_build() -> None:
    """The Pod of a start waits for room."""
    seen = flip_flopped(5, phase="Pending", pods=(), obstacle=Obstacle("QuotaExceeded", "requested: pods=1"))
    assert isinstance(decide(seen), CreatePod)


def test_the_recoveries_in_a_row_stay_since_they_are_counted() -> None:
    """K2, K11."""
    builds = [build(1, phase="Succeeded"), build(2, "Stop", "ManualPause", "Succeeded")]
    builds += [build(n, "Start", "Recover", "Succeeded", pod_uid=f"p-{n}", pod_end=pod_end()) for n in (3, 4, 5)]
    seen = observed(task(status={"build": reservation(6, "Start", "Recover")}), builds=tuple(builds))
    seen = replace(seen, obstacle=Obstacle("QuotaExceeded", "few"))
    for number in (1, 2):
        step = decide(seen)
        assert isinstance(step, DeleteBuild) and step.build.number == number
        seen = replace(seen, builds=seen.builds[1:])
    assert decide(seen) == CreateBuild(6, Transition.START, BuildReason.RECOVER)
