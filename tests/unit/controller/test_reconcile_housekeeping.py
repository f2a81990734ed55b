"""What the operator deletes automatically: old builds, and Tasks that have finished."""

from __future__ import annotations

from taskyard.controller.reconcile import NEXT_RUN_SECONDS
from taskyard.core.resources import TASKS, WORKSPACE_BUILDS
from unit.controller.reconcile_harness import RUNNING, WEB, ReconcileHarness
from unit.core.builders import at, build_manifest, pod_manifest, reservation, task_manifest


async def test_builds_beyond_the_ten_newest_are_deleted() -> None:
    harness = ReconcileHarness.running(pod=pod_manifest(12, uid="pod-12"))
    harness.hold(
        TASKS,
        task_manifest(version=101, status=RUNNING | {"build": reservation(12, "Start", "Resume", "Succeeded")}),
    )
    for number in range(1, 13):
        harness.hold(WORKSPACE_BUILDS, build_manifest(number, phase="Succeeded", version=101, pod_uid=f"pod-{number}"))
    await harness.reconcile()
    left = [int(name.removeprefix("web-")) for name in harness.names("workspacebuilds")]
    assert sorted(left) == list(range(3, 13))
    assert sorted(b.number for b in harness.stores.builds) == list(range(3, 13))
    assert harness.names("pods") == ["web-12"]


async def test_a_build_is_deleted_only_if_it_is_the_very_one() -> None:
    harness = ReconcileHarness.running(pod=pod_manifest(11, uid="pod-11"))
    harness.hold(
        TASKS,
        task_manifest(version=101, status=RUNNING | {"build": reservation(11, "Start", "Resume", "Succeeded")}),
    )
    for number in range(1, 12):
        harness.hold(WORKSPACE_BUILDS, build_manifest(number, phase="Succeeded", version=101, pod_uid=f"pod-{number}"))
    other = build_manifest(1, version=500)
    other["metadata"]["uid"] = "another"
    harness.hold(WORKSPACE_BUILDS, other, known=False)
    await harness.reconcile()
    assert harness.build("web-1") == other
    assert harness.stores.builds.get(("team", "web-1")) is None


COMPLETE = {"state": "Complete", "message": "", "uri": "", "timestamp": "2026-01-31T12:00:00Z", "build": 1}


async def test_a_finished_task_is_looked_at_and_deleted_when_its_time_to_live_is_over() -> None:
    harness = ReconcileHarness.running(
        pod=pod_manifest(), status=RUNNING | {"state": COMPLETE}, ttlSecondsAfterFinished=60
    )
    await harness.reconcile()
    assert harness.deadlines == {WEB: at(60)}
    harness.now = at(60)
    harness.cluster.calls.clear()
    await harness.reconcile()
    assert harness.writes == [("delete", "tasks", "web")]
    assert harness.names("tasks") == []
    assert len(harness.stores.tasks) == 0


async def test_a_task_that_was_changed_meanwhile_is_not_deleted() -> None:
    harness = ReconcileHarness.running(
        pod=pod_manifest(), status=RUNNING | {"state": COMPLETE}, ttlSecondsAfterFinished=60
    )
    working = COMPLETE | {"state": "Working", "timestamp": "2026-01-31T12:00:59Z"}
    changed = task_manifest(version=150, status=RUNNING | {"state": working}, ttlSecondsAfterFinished=60)
    harness.hold(TASKS, changed, known=False)
    harness.now = at(60)
    await harness.reconcile()
    assert harness.names("tasks") == ["web"]
    assert harness.status["state"] == working


async def test_another_task_of_the_name_is_not_deleted() -> None:
    harness = ReconcileHarness.running(
        pod=pod_manifest(), status=RUNNING | {"state": COMPLETE}, ttlSecondsAfterFinished=60
    )
    harness.hold(TASKS, task_manifest(uid="another", version=150), known=False)
    harness.now = at(60)
    await harness.reconcile()
    assert harness.cluster.objects["tasks", "team", "web"]["metadata"]["uid"] == "another"


async def test_a_task_that_only_begins_to_go_is_left_alone_from_then_on() -> None:
    harness = ReconcileHarness.running(
        pod=pod_manifest(), status=RUNNING | {"state": COMPLETE}, ttlSecondsAfterFinished=60
    )
    going = task_manifest(version=150, status=RUNNING, ttlSecondsAfterFinished=60, deleting=True)
    harness.hold(TASKS, going, known=False)
    harness.now = at(60)
    await harness.reconcile()
    assert harness.writes == [("delete", "tasks", "web")]


async def test_what_one_run_does_not_get_done_is_taken_up_again_though_nothing_happens() -> None:
    harness = ReconcileHarness.running(pod=pod_manifest(50, uid="pod-50"))
    status = RUNNING | {"build": reservation(50, "Start", "Resume", "Succeeded")}
    harness.hold(TASKS, task_manifest(version=101, status=status))
    for number in range(1, 51):
        harness.hold(WORKSPACE_BUILDS, build_manifest(number, phase="Succeeded", version=101, pod_uid=f"pod-{number}"))
    runs = 0
    while (WEB, NEXT_RUN_SECONDS) in harness.again.calls or not runs:
        harness.again.calls.clear()
        await harness.reconcile()
        runs += 1
    assert 1 < runs < 6
    assert len(harness.names("workspacebuilds")) == 10
