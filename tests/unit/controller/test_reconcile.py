"""The reconciliation of one Task, against a cluster in memory: what is written, and what blocks it."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.controller.cluster import ApiError, ConflictError
from taskyard.core.resources import CLAIMS, PODS, TASKS, WORKSPACE_BUILDS
from unit.controller.fakes import api_error
from unit.controller.reconcile_harness import RUNNING, WEB, ReconcileHarness
from unit.core.builders import (
    NOW,
    at,
    build_manifest,
    merge,
    owned_by_tekton,
    owner,
    pod_manifest,
    reservation,
    task_manifest,
    tekton_owner,
    template_version_manifest,
)


async def test_a_new_task_is_brought_as_far_as_its_pod() -> None:
    harness = ReconcileHarness()
    await harness.reconcile()
    assert harness.writes == [
        ("patch status", "tasks", "web"),
        ("create", "workspacebuilds", "web-1"),
        ("create", "persistentvolumeclaims", "web-home"),
        ("create", "pods", "web-1"),
    ]
    assert (harness.status["phase"], harness.status["build"]["number"]) == ("Pending", 1)
    assert harness.deadlines == {WEB: at(600)}, "when the start has taken too long"


async def test_once_more_changes_nothing() -> None:
    harness = ReconcileHarness()
    await harness.reconcile()
    harness.cluster.calls.clear()
    await harness.reconcile()
    assert harness.cluster.calls == []


@pytest.mark.parametrize("writes", range(4))
async def test_a_start_that_was_cut_off_after_any_write_goes_on_from_there(writes: int) -> None:
    harness = ReconcileHarness()
    done = 0
    original = harness.cluster._stored

    def stored(*arguments: Any) -> dict[str, Any]:
        nonlocal done
        if done == writes:
            raise api_error(0, message="killed")
        done += 1
        return original(*arguments)

    harness.cluster._stored = stored  # type: ignore[method-assign]
    with pytest.raises(ApiError):
        await harness.reconcile()
    harness.cluster._stored = original  # type: ignore[method-assign]
    await harness.reconcile()
    assert harness.names("workspacebuilds") == ["web-1"]
    assert harness.names("pods") == ["web-1"]
    assert harness.status["build"]["number"] == 1


async def test_a_bound_pod_is_recorded_and_its_start_has_succeeded() -> None:
    harness = ReconcileHarness()
    await harness.reconcile()
    pod = harness.cluster.objects["pods", "team", "web-1"]
    harness.hold(PODS, merge(pod, {"metadata": {"resourceVersion": "9000"}, "spec": {"nodeName": "node-a"}}))
    await harness.reconcile()
    assert harness.build()["status"] == {
        "phase": "Succeeded",
        "podUID": pod["metadata"]["uid"],
        "startedAt": "2026-01-31T12:00:00Z",
        "finishedAt": "2026-01-31T12:00:00Z",
    }
    assert harness.status["phase"] == "Initializing"


async def test_an_end_of_a_build_that_is_known_already_is_not_written_over() -> None:
    """The end was written by another operator, while this one was stopped."""
    harness = ReconcileHarness()
    await harness.reconcile()
    pod = harness.cluster.objects["pods", "team", "web-1"]
    harness.hold(PODS, merge(pod, {"metadata": {"resourceVersion": "9000"}, "spec": {"nodeName": "node-a"}}))
    ended = {"metadata": {"resourceVersion": "9001"}, "status": {"phase": "Failed", "message": "told before"}}
    harness.cluster.hold(WORKSPACE_BUILDS, merge(harness.build(), ended))
    await harness.reconcile()
    assert harness.build()["status"] == ended["status"]
    assert harness.status["phase"] == "Error"


async def test_a_pause_deletes_the_pod_and_ends_when_it_is_gone() -> None:
    harness = ReconcileHarness.running(pod=pod_manifest(), paused=True)
    await harness.reconcile()
    assert harness.names("pods") == []
    assert harness.build("web-2")["status"]["phase"] == "Succeeded"
    assert (harness.status["phase"], harness.status["pausedReason"]) == ("Paused", "Manual")


async def test_a_task_without_its_template_version_waits_and_says_so() -> None:
    harness = ReconcileHarness()
    harness.stores.template_versions.remove(("team", "shell-v1"))
    await harness.reconcile()
    assert harness.ready == ("False", "TemplateVersionNotFound")
    assert harness.names("workspacebuilds") == []


async def test_a_task_that_is_gone_or_going_is_left_alone() -> None:
    harness = ReconcileHarness(task_manifest(deleting=True))
    await harness.reconcile()
    harness.stores.tasks.remove(WEB)
    await harness.reconcile()
    assert harness.cluster.calls == []


async def test_in_a_terminating_namespace_nothing_is_logged() -> None:
    harness = ReconcileHarness()
    harness.cluster.failures["create"] = [api_error(403, "Forbidden", causes=("NamespaceTerminating",))]
    await harness.reconcile()
    assert harness.names("workspacebuilds") == []


async def test_a_fault_of_the_api_server_is_told() -> None:
    harness = ReconcileHarness()
    harness.cluster.failures["create"] = [api_error(503)]
    with pytest.raises(ApiError):
        await harness.reconcile()


async def test_a_status_that_somebody_else_wrote_meanwhile_is_looked_at_again() -> None:
    harness = ReconcileHarness()
    harness.hold(TASKS, task_manifest(version=150, paused=True), known=False)
    await harness.reconcile()
    assert harness.names("workspacebuilds") == [], "it was paused meanwhile"
    assert harness.status["phase"] == "Paused"


# Obstacles


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param("exceeded quota: pods", "QuotaExceeded", id="a quota that is used up"),
        pytest.param("error looking up service account x/y", "ServiceAccountMissing", id="no service account yet"),
    ],
)
async def test_temporary_obstacles_are_waited_for(message: str, reason: str) -> None:
    harness = ReconcileHarness()
    harness.hold(TASKS, task_manifest(version=101, status={"phase": "Pending", "build": reservation()}))
    harness.hold(WORKSPACE_BUILDS, build_manifest())
    harness.hold(CLAIMS, pod_manifest() | {"metadata": pod_manifest()["metadata"] | {"name": "web-home"}})
    harness.cluster.failures["create"] = [api_error(403, "Forbidden", message)]
    await harness.reconcile()
    assert harness.ready == ("False", reason)
    assert harness.status["phase"] == "Pending"
    assert harness.again.calls == [(WEB, 4.0)]
    await harness.reconcile()
    assert harness.names("pods") == ["web-1"]
    assert harness.ready == ("False", "Pending")


async def test_a_pod_that_is_refused_for_good_fails_the_build_with_cause_and_remedy() -> None:
    harness = ReconcileHarness()
    harness.hold(TASKS, task_manifest(version=101, status={"phase": "Pending", "build": reservation()}))
    harness.hold(WORKSPACE_BUILDS, build_manifest())
    harness.hold(CLAIMS, pod_manifest() | {"metadata": pod_manifest()["metadata"] | {"name": "web-home"}})
    harness.cluster.failures["create"] = [api_error(403, "Forbidden", 'violates PodSecurity "restricted"')]
    await harness.reconcile()
    assert harness.status["phase"] == "Error"
    message = harness.build()["status"]["message"]
    assert 'the API server refuses Pod web-1: violates PodSecurity "restricted"' in message
    assert "pause and resume the Task" in message


@pytest.mark.parametrize(
    "owners",
    [
        pytest.param([], id="nobody's"),
        pytest.param([owner("s", "web", kind="StatefulSet")], id="a StatefulSet's"),
        pytest.param([tekton_owner()], id="a Tekton Task's"),
    ],
)
async def test_another_pod_of_the_name_is_neither_adopted_nor_deleted(owners: list[dict[str, Any]]) -> None:
    harness = ReconcileHarness()
    other = pod_manifest()
    other["metadata"]["ownerReferences"] = owners
    harness.hold(PODS, other, known=False)
    await harness.reconcile()
    assert harness.ready == ("False", "NameConflict")
    assert harness.again.calls == [(WEB, 30.0)]
    assert harness.cluster.objects["pods", "team", "web-1"] == other


async def test_an_own_child_that_the_store_does_not_know_yet_is_taken_as_it_is() -> None:
    harness = ReconcileHarness()
    harness.hold(WORKSPACE_BUILDS, build_manifest(), known=False)
    harness.hold(PODS, pod_manifest(), known=False)
    await harness.reconcile()
    assert harness.build()["status"]["podUID"] == "pod-1"


# Recovery begins with live reads


async def test_a_pod_that_is_gone_is_replaced_under_the_next_number() -> None:
    harness = ReconcileHarness.running()
    await harness.reconcile()
    assert harness.names("pods") == ["web-2"]
    assert harness.build("web-2")["spec"]["reason"] == "Recover"


async def test_a_pod_that_only_the_store_has_lost_is_not_replaced() -> None:
    harness = ReconcileHarness.running()
    harness.hold(PODS, pod_manifest(), known=False)
    await harness.reconcile()
    assert harness.names("workspacebuilds") == ["web-1"]
    assert harness.status["phase"] == "Active"


async def test_a_pod_of_a_tekton_task_does_not_stand_for_the_one_that_is_gone() -> None:
    harness = ReconcileHarness.running()
    harness.hold(PODS, owned_by_tekton(pod_manifest()), known=False)
    await harness.reconcile()
    assert harness.names("workspacebuilds") == ["web-1", "web-2"]


async def test_a_task_that_goes_with_its_pod_is_not_recovered() -> None:
    harness = ReconcileHarness.running()
    harness.hold(TASKS, task_manifest(status=RUNNING, version=200, deleting=True), known=False)
    await harness.reconcile()
    assert harness.names("workspacebuilds") == ["web-1"]
    assert harness.writes == []


async def test_nothing_is_recovered_in_a_terminating_namespace() -> None:
    harness = ReconcileHarness.running()
    harness.cluster.objects["namespaces", None, "team"]["metadata"]["deletionTimestamp"] = "x"
    await harness.reconcile()
    assert harness.writes == []


@pytest.mark.parametrize("successor", [pytest.param(False, id="deleted"), pytest.param(True, id="and made again")])
async def test_a_build_that_went_with_its_task_is_not_made_again(successor: bool) -> None:
    harness = ReconcileHarness()
    harness.hold(TASKS, task_manifest(status={"phase": "Pending", "build": reservation()}, version=200))
    # Garbage collection deleted the build, and the watch of Tasks lags behind.
    del harness.cluster.objects["tasks", "team", "web"]
    if successor:
        harness.hold(TASKS, merge(task_manifest(version=300), {"metadata": {"uid": "another"}}), known=False)
    await harness.reconcile()
    assert harness.writes == []
    assert harness.again.calls == ([(WEB, 0.0)] if successor else []), "no event need tell of the successor once more"


async def test_an_idle_task_is_looked_at_again_at_its_deadline() -> None:
    idle = {"state": "Idle", "message": "", "uri": "", "timestamp": "2026-01-31T12:00:00Z", "build": 1}
    harness = ReconcileHarness.running(pod=pod_manifest(), status=RUNNING | {"state": idle}, idleTimeout="1m")
    harness.now = at(20)
    await harness.reconcile()
    assert harness.deadlines == {WEB: at(60)}
    assert harness.status["idleDeadline"] == "2026-01-31T12:01:00Z"


async def test_an_automatically_paused_task_stays_paused() -> None:
    idle = {"state": "Idle", "message": "", "uri": "", "timestamp": "2026-01-31T12:00:00Z", "build": 1}
    harness = ReconcileHarness.running(pod=pod_manifest(), status=RUNNING | {"state": idle}, idleTimeout="1m")
    harness.now = at(60)
    await harness.reconcile()
    assert harness.names("workspacebuilds") == ["web-1", "web-2"]
    assert harness.names("pods") == []
    assert (harness.status["phase"], harness.status["pausedReason"]) == ("Paused", "IdleTimeout")
    assert harness.ready == ("True", "Paused")
    assert harness.status["state"]["state"] == "Idle", "its last word stays"


async def test_a_task_that_has_run_as_long_as_it_may_is_looked_at_then_and_paused() -> None:
    harness = ReconcileHarness.running(pod=pod_manifest(), maxRuntime="1m")
    harness.hold(WORKSPACE_BUILDS, build_manifest(phase="Succeeded", pod_uid="pod-1", version=101, finished_at=NOW))
    await harness.reconcile()
    assert harness.deadlines == {WEB: at(60)}
    harness.now = at(60)
    await harness.reconcile()
    assert (harness.status["phase"], harness.status["pausedReason"]) == ("Paused", "MaxRuntime")
    assert harness.build("web-2")["spec"]["reason"] == "MaxRuntime"
    assert harness.cluster.objects["tasks", "team", "web"]["spec"].get("paused") is None, "spec is the person's"


# Its status


async def test_what_hangs_on_the_status_is_looked_at_when_it_was_written() -> None:
    harness = ReconcileHarness.running(pod=pod_manifest())
    await harness.reconcile()
    assert harness.changed.calls == [WEB]
    await harness.reconcile()
    assert harness.changed.calls == [WEB], "nothing was written"


async def test_a_status_that_was_overtaken_is_handled_too() -> None:
    harness = ReconcileHarness(task_manifest(paused=True))
    harness.hold(TASKS, task_manifest(version=150, paused=True, status={"phase": "Paused"}), known=False)
    await harness.reconcile()
    assert harness.changed.calls == [WEB]
    known = harness.stores.tasks.get(WEB)
    assert known
    assert known.resource_version == "150", "the store shows what is"


async def test_what_stood_in_the_way_is_forgotten_when_there_is_nothing_left_to_do() -> None:
    harness = ReconcileHarness()
    harness.hold(TASKS, task_manifest(version=101, status={"phase": "Pending", "build": reservation()}))
    harness.hold(WORKSPACE_BUILDS, build_manifest())
    harness.hold(CLAIMS, pod_manifest() | {"metadata": pod_manifest()["metadata"] | {"name": "web-home"}})
    harness.cluster.failures["create"] = [api_error(403, "Forbidden", "exceeded quota: pods")]
    await harness.reconcile()
    assert harness.ready == ("False", "QuotaExceeded")
    version = template_version_manifest()
    harness.stores.template_versions.remove(("team", "shell-v1"))
    await harness.reconcile()
    assert harness.ready == ("False", "TemplateVersionNotFound"), "nothing is tried, so no quota stands in the way"
    harness.stores.template_versions.put(version)
    await harness.reconcile()
    assert harness.ready == ("False", "Pending")


async def test_an_obstacle_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    harness = ReconcileHarness()
    harness.hold(PODS, pod_manifest(owner_uid="former", deleting=True), known=False)
    for _ in range(3):
        await harness.reconcile()
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [
        "task team/web: FormerTask: Pod web-1 of an earlier Task of this name is being deleted."
    ]


async def test_a_conflict_that_is_not_about_the_name_is_reported() -> None:
    harness = ReconcileHarness()
    harness.cluster.failures["create"] = [api_error(409, "Conflict", "the quota was written to meanwhile")]
    with pytest.raises(ConflictError):
        await harness.reconcile()
    await harness.reconcile()
    assert harness.names("pods") == ["web-1"]


async def test_a_conflict_over_the_quota_does_not_fail_the_build() -> None:
    harness = ReconcileHarness()
    harness.hold(TASKS, task_manifest(version=101, status={"phase": "Pending", "build": reservation()}))
    harness.hold(WORKSPACE_BUILDS, build_manifest())
    harness.hold(CLAIMS, pod_manifest() | {"metadata": pod_manifest()["metadata"] | {"name": "web-home"}})
    harness.cluster.failures["create"] = [api_error(409, "Conflict", "the quota was written to meanwhile")]
    with pytest.raises(ConflictError):
        await harness.reconcile()
    assert harness.build()["status"].get("phase") in (None, "Pending")


async def test_how_a_pod_ended_is_written_before_the_next_start_is_reserved() -> None:
    """K11"""
    harness = ReconcileHarness.running()
    await harness.reconcile()
    assert harness.build()["status"]["podEnd"]["reason"] == "Unknown"
    assert harness.writes[:2] == [("patch status", "workspacebuilds", "web-1"), ("patch status", "tasks", "web")]


async def test_an_end_that_older_crds_drop_does_not_hold_up_the_recovery() -> None:
    """K11"""
    harness = ReconcileHarness.running()
    write = harness.cluster.patch_status

    async def drop(resource: Any, namespace: str, name: str, status: dict[str, Any], **options: Any) -> dict[str, Any]:
        kept = {field: value for field, value in status.items() if field != "podEnd"}
        return await write(resource, namespace, name, kept, **options)

    harness.cluster.patch_status = drop  # type: ignore[method-assign]
    await harness.reconcile()
    assert harness.names("workspacebuilds") == ["web-1", "web-2"]
    assert harness.writes.count(("patch status", "workspacebuilds", "web-1")) == 1
