"""One Task brought forward, against a cluster in memory: what is written, and what stands in the way."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.controller.cluster import CLAIMS, PODS, TASKS, WORKSPACE_BUILDS, ApiError, ConflictError
from unit.controller.fakes import api_error
from unit.controller.world import RUNNING, WEB, World
from unit.core.builders import (
    NOW,
    at,
    build_manifest,
    merge,
    owner,
    pod_manifest,
    reservation,
    task_manifest,
    template_version_manifest,
)


async def test_a_new_task_is_brought_as_far_as_its_pod() -> None:
    world = World()
    await world.reconcile()
    assert world.writes == [
        ("patch status", "tasks", "web"),
        ("create", "workspacebuilds", "web-1"),
        ("create", "persistentvolumeclaims", "web-home"),
        ("create", "pods", "web-1"),
    ]
    assert (world.status["phase"], world.status["build"]["number"]) == ("Pending", 1)
    assert world.deadlines == {WEB: at(600)}, "when the start has taken too long"


async def test_once_more_changes_nothing() -> None:
    world = World()
    await world.reconcile()
    world.cluster.calls.clear()
    await world.reconcile()
    assert world.cluster.calls == []


@pytest.mark.parametrize("writes", range(4))
async def test_a_start_that_was_cut_off_after_any_write_goes_on_from_there(writes: int) -> None:
    world = World()
    done = 0
    original = world.cluster._stored

    def stored(*arguments: Any) -> dict[str, Any]:
        nonlocal done
        if done == writes:
            raise api_error(0, message="killed")
        done += 1
        return original(*arguments)

    world.cluster._stored = stored  # type: ignore[method-assign]
    with pytest.raises(ApiError):
        await world.reconcile()
    world.cluster._stored = original  # type: ignore[method-assign]
    await world.reconcile()
    assert world.names("workspacebuilds") == ["web-1"]
    assert world.names("pods") == ["web-1"]
    assert world.status["build"]["number"] == 1


async def test_a_bound_pod_is_recorded_and_its_start_has_succeeded() -> None:
    world = World()
    await world.reconcile()
    pod = world.cluster.objects["pods", "team", "web-1"]
    world.hold(PODS, merge(pod, {"metadata": {"resourceVersion": "9000"}, "spec": {"nodeName": "node-a"}}))
    await world.reconcile()
    assert world.build()["status"] == {
        "phase": "Succeeded",
        "podUID": pod["metadata"]["uid"],
        "startedAt": "2026-01-31T12:00:00Z",
        "finishedAt": "2026-01-31T12:00:00Z",
    }
    assert world.status["phase"] == "Initializing"


async def test_an_end_of_a_build_that_is_known_already_is_not_written_over() -> None:
    """What another operator wrote, while this one was stopped."""
    world = World()
    await world.reconcile()
    pod = world.cluster.objects["pods", "team", "web-1"]
    world.hold(PODS, merge(pod, {"metadata": {"resourceVersion": "9000"}, "spec": {"nodeName": "node-a"}}))
    ended = {"metadata": {"resourceVersion": "9001"}, "status": {"phase": "Failed", "message": "told before"}}
    world.cluster.hold(WORKSPACE_BUILDS, merge(world.build(), ended))
    await world.reconcile()
    assert world.build()["status"] == ended["status"]
    assert world.status["phase"] == "Error"


async def test_a_pause_deletes_the_pod_and_ends_when_it_is_gone() -> None:
    world = World.running(pod=pod_manifest(), paused=True)
    await world.reconcile()
    assert world.names("pods") == []
    assert world.build("web-2")["status"]["phase"] == "Succeeded"
    assert (world.status["phase"], world.status["pausedReason"]) == ("Paused", "Manual")


async def test_a_task_without_its_template_version_waits_and_says_so() -> None:
    world = World()
    world.stores.template_versions.remove(("team", "shell-v1"))
    await world.reconcile()
    assert world.ready == ("False", "TemplateVersionNotFound")
    assert world.names("workspacebuilds") == []


async def test_a_task_that_is_gone_or_going_is_left_alone() -> None:
    world = World(task_manifest(deleting=True))
    await world.reconcile()
    world.stores.tasks.remove(WEB)
    await world.reconcile()
    assert world.cluster.calls == []


async def test_in_a_namespace_that_goes_nothing_is_said() -> None:
    world = World()
    world.cluster.failures["create"] = [api_error(403, "Forbidden", causes=("NamespaceTerminating",))]
    await world.reconcile()
    assert world.names("workspacebuilds") == []


async def test_a_fault_of_the_api_server_is_told() -> None:
    world = World()
    world.cluster.failures["create"] = [api_error(503)]
    with pytest.raises(ApiError):
        await world.reconcile()


async def test_a_status_that_somebody_else_wrote_meanwhile_is_looked_at_again() -> None:
    world = World()
    world.hold(TASKS, task_manifest(version=150, paused=True), known=False)
    await world.reconcile()
    assert world.names("workspacebuilds") == [], "it was paused meanwhile"
    assert world.status["phase"] == "Paused"


# What stands in the way


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param("exceeded quota: pods", "QuotaExceeded", id="a quota that is used up"),
        pytest.param("error looking up service account x/y", "ServiceAccountMissing", id="no service account yet"),
    ],
)
async def test_what_heals_is_waited_for(message: str, reason: str) -> None:
    world = World()
    world.hold(TASKS, task_manifest(version=101, status={"phase": "Pending", "build": reservation()}))
    world.hold(WORKSPACE_BUILDS, build_manifest())
    world.hold(CLAIMS, pod_manifest() | {"metadata": pod_manifest()["metadata"] | {"name": "web-home"}})
    world.cluster.failures["create"] = [api_error(403, "Forbidden", message)]
    await world.reconcile()
    assert world.ready == ("False", reason)
    assert world.status["phase"] == "Pending"
    assert world.again.calls == [(WEB, 5.0)]
    await world.reconcile()
    assert world.names("pods") == ["web-1"]
    assert world.ready == ("False", "Pending")


async def test_a_pod_that_is_refused_for_good_fails_the_build_with_cause_and_remedy() -> None:
    world = World()
    world.hold(TASKS, task_manifest(version=101, status={"phase": "Pending", "build": reservation()}))
    world.hold(WORKSPACE_BUILDS, build_manifest())
    world.hold(CLAIMS, pod_manifest() | {"metadata": pod_manifest()["metadata"] | {"name": "web-home"}})
    world.cluster.failures["create"] = [api_error(403, "Forbidden", 'violates PodSecurity "restricted"')]
    await world.reconcile()
    assert world.status["phase"] == "Error"
    message = world.build()["status"]["message"]
    assert 'the API server refuses Pod web-1: violates PodSecurity "restricted"' in message
    assert "pause and resume the Task" in message


@pytest.mark.parametrize(
    "owners",
    [
        pytest.param([], id="nobody's"),
        pytest.param([owner("s", "web", kind="StatefulSet")], id="a StatefulSet's"),
    ],
)
async def test_another_pod_of_the_name_is_neither_adopted_nor_deleted(owners: list[dict[str, Any]]) -> None:
    world = World()
    other = pod_manifest()
    other["metadata"]["ownerReferences"] = owners
    world.hold(PODS, other, known=False)
    await world.reconcile()
    assert world.ready == ("False", "NameConflict")
    assert world.again.calls == [(WEB, 30.0)]
    assert world.cluster.objects["pods", "team", "web-1"] == other


async def test_an_own_child_that_the_store_does_not_know_yet_is_taken_as_it_is() -> None:
    world = World()
    world.hold(WORKSPACE_BUILDS, build_manifest(), known=False)
    world.hold(PODS, pod_manifest(), known=False)
    await world.reconcile()
    assert world.build()["status"]["podUID"] == "pod-1"


# Recovery begins with live reads


async def test_a_pod_that_is_gone_is_replaced_under_the_next_number() -> None:
    world = World.running()
    await world.reconcile()
    assert world.names("pods") == ["web-2"]
    assert world.build("web-2")["spec"]["reason"] == "Recover"


async def test_a_pod_that_only_the_store_has_lost_is_not_replaced() -> None:
    world = World.running()
    world.hold(PODS, pod_manifest(), known=False)
    await world.reconcile()
    assert world.names("workspacebuilds") == ["web-1"]
    assert world.status["phase"] == "Active"


async def test_a_task_that_goes_with_its_pod_is_not_recovered() -> None:
    world = World.running()
    world.hold(TASKS, task_manifest(status=RUNNING, version=200, deleting=True), known=False)
    await world.reconcile()
    assert world.names("workspacebuilds") == ["web-1"]
    assert world.writes == []


async def test_nothing_is_recovered_in_a_namespace_that_goes() -> None:
    world = World.running()
    world.cluster.objects["namespaces", None, "team"]["metadata"]["deletionTimestamp"] = "x"
    await world.reconcile()
    assert world.writes == []


@pytest.mark.parametrize("successor", [pytest.param(False, id="deleted"), pytest.param(True, id="and made again")])
async def test_a_build_that_went_with_its_task_is_not_made_again(successor: bool) -> None:
    world = World()
    world.hold(TASKS, task_manifest(status={"phase": "Pending", "build": reservation()}, version=200))
    # Garbage collection took the build, and the watch of Tasks is behind.
    del world.cluster.objects["tasks", "team", "web"]
    if successor:
        world.hold(TASKS, merge(task_manifest(version=300), {"metadata": {"uid": "another"}}), known=False)
    await world.reconcile()
    assert world.writes == []
    assert world.again.calls == ([(WEB, 0.0)] if successor else []), "no event need tell of the successor once more"


async def test_an_idle_task_is_looked_at_again_at_its_deadline() -> None:
    idle = {"state": "Idle", "message": "", "uri": "", "timestamp": "2026-01-31T12:00:00Z", "build": 1}
    world = World.running(pod=pod_manifest(), status=RUNNING | {"state": idle}, idleTimeout="1m")
    world.now = at(20)
    await world.reconcile()
    assert world.deadlines == {WEB: at(60)}
    assert world.status["idleDeadline"] == "2026-01-31T12:01:00Z"


async def test_a_task_that_paused_by_itself_stays_paused() -> None:
    idle = {"state": "Idle", "message": "", "uri": "", "timestamp": "2026-01-31T12:00:00Z", "build": 1}
    world = World.running(pod=pod_manifest(), status=RUNNING | {"state": idle}, idleTimeout="1m")
    world.now = at(60)
    await world.reconcile()
    assert world.names("workspacebuilds") == ["web-1", "web-2"]
    assert world.names("pods") == []
    assert (world.status["phase"], world.status["pausedReason"]) == ("Paused", "IdleTimeout")
    assert world.ready == ("True", "Paused")
    assert world.status["state"]["state"] == "Idle", "its last word stays"


async def test_a_task_that_has_run_as_long_as_it_may_is_looked_at_then_and_paused() -> None:
    world = World.running(pod=pod_manifest(), maxRuntime="1m")
    world.hold(WORKSPACE_BUILDS, build_manifest(phase="Succeeded", pod_uid="pod-1", version=101, finished_at=NOW))
    await world.reconcile()
    assert world.deadlines == {WEB: at(60)}
    world.now = at(60)
    await world.reconcile()
    assert (world.status["phase"], world.status["pausedReason"]) == ("Paused", "MaxRuntime")
    assert world.build("web-2")["spec"]["reason"] == "MaxRuntime"
    assert world.cluster.objects["tasks", "team", "web"]["spec"].get("paused") is None, "spec is the person's"


# Its status


async def test_what_hangs_on_the_status_is_looked_at_when_it_was_written() -> None:
    world = World.running(pod=pod_manifest())
    await world.reconcile()
    assert world.changed.calls == [WEB]
    await world.reconcile()
    assert world.changed.calls == [WEB], "nothing was written"


async def test_a_status_that_was_overtaken_is_news_too() -> None:
    world = World(task_manifest(paused=True))
    world.hold(TASKS, task_manifest(version=150, paused=True, status={"phase": "Paused"}), known=False)
    await world.reconcile()
    assert world.changed.calls == [WEB]
    known = world.stores.tasks.get(WEB)
    assert known
    assert known["metadata"]["resourceVersion"] == "150", "the store shows what is"


async def test_what_stood_in_the_way_is_forgotten_when_there_is_nothing_left_to_do() -> None:
    world = World()
    world.hold(TASKS, task_manifest(version=101, status={"phase": "Pending", "build": reservation()}))
    world.hold(WORKSPACE_BUILDS, build_manifest())
    world.hold(CLAIMS, pod_manifest() | {"metadata": pod_manifest()["metadata"] | {"name": "web-home"}})
    world.cluster.failures["create"] = [api_error(403, "Forbidden", "exceeded quota: pods")]
    await world.reconcile()
    assert world.ready == ("False", "QuotaExceeded")
    version = template_version_manifest()
    world.stores.template_versions.remove(("team", "shell-v1"))
    await world.reconcile()
    assert world.ready == ("False", "TemplateVersionNotFound"), "nothing is tried, so no quota stands in the way"
    world.stores.template_versions.put(version)
    await world.reconcile()
    assert world.ready == ("False", "Pending")


async def test_an_obstacle_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.hold(PODS, pod_manifest(owner_uid="former", deleting=True), known=False)
    for _ in range(3):
        await world.reconcile()
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [
        "task team/web: FormerTask: Pod web-1 of a former Task of this name is being removed."
    ]


async def test_a_conflict_that_is_no_taken_name_is_told() -> None:
    world = World()
    world.cluster.failures["create"] = [api_error(409, "Conflict", "the quota was written to meanwhile")]
    with pytest.raises(ConflictError):
        await world.reconcile()
    await world.reconcile()
    assert world.names("pods") == ["web-1"]


async def test_a_conflict_over_the_quota_does_not_fail_the_build() -> None:
    world = World()
    world.hold(TASKS, task_manifest(version=101, status={"phase": "Pending", "build": reservation()}))
    world.hold(WORKSPACE_BUILDS, build_manifest())
    world.hold(CLAIMS, pod_manifest() | {"metadata": pod_manifest()["metadata"] | {"name": "web-home"}})
    world.cluster.failures["create"] = [api_error(409, "Conflict", "the quota was written to meanwhile")]
    with pytest.raises(ConflictError):
        await world.reconcile()
    assert world.build()["status"].get("phase") in (None, "Pending")
