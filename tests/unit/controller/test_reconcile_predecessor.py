"""A Task that was deleted and created again: the objects of its predecessor block it and are removed."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core.resources import CLAIMS, PODS, TASKS, WORKSPACE_BUILDS, Resource
from unit.controller.reconcile_harness import WEB, ReconcileHarness
from unit.core.builders import TASK_UID, build_manifest, merge, pod_manifest, reservation, task_manifest

Object = dict[str, Any]


def claim_manifest(owner_uid: str = "former") -> Object:
    metadata = pod_manifest(owner_uid=owner_uid)["metadata"] | {"name": "web-home", "uid": "claim"}
    return {"metadata": metadata, "spec": {}}


def starting() -> ReconcileHarness:
    """A Task that needs its claim next."""
    harness = ReconcileHarness(task_manifest(version=101, status={"phase": "Pending", "build": reservation()}))
    harness.hold(WORKSPACE_BUILDS, build_manifest())
    return harness


class Deletions:
    """Records the preconditions of a cluster's deletions."""

    def __init__(self, harness: ReconcileHarness) -> None:
        self.calls: list[tuple[str, str, str, str | None]] = []
        self._delete = harness.cluster.delete
        harness.cluster.delete = self  # type: ignore[method-assign]

    async def __call__(
        self, resource: Resource, namespace: str, name: str, *, uid: str, resource_version: str | None = None
    ) -> None:
        self.calls.append((resource.plural, name, uid, resource_version))
        await self._delete(resource, namespace, name, uid=uid, resource_version=resource_version)


@pytest.mark.parametrize(
    ("resource", "child"),
    [
        pytest.param(WORKSPACE_BUILDS, build_manifest(uid="former"), id="a build"),
        pytest.param(CLAIMS, claim_manifest(), id="a claim"),
        pytest.param(PODS, pod_manifest(owner_uid="former"), id="a Pod"),
    ],
)
@pytest.mark.parametrize("known", [pytest.param(True, id="known"), pytest.param(False, id="not known yet")])
async def test_an_earlier_tasks_child_is_removed_and_the_start_continues(
    resource: Resource, child: Object, known: bool
) -> None:
    harness = ReconcileHarness()
    harness.hold(resource, child, known=known)
    deletions = Deletions(harness)
    await harness.reconcile()
    metadata = child["metadata"]
    assert deletions.calls == [(resource.plural, metadata["name"], metadata["uid"], metadata["resourceVersion"])]
    assert harness.ready == ("False", "FormerTask")
    assert harness.again.calls == [(WEB, 1.0)]
    await harness.reconcile()
    assert harness.ready == ("False", "Pending")
    for plural in ("workspacebuilds", "persistentvolumeclaims", "pods"):
        (made,) = [found for key, found in harness.cluster.objects.items() if key[0] == plural]
        assert made["metadata"]["ownerReferences"][0]["uid"] == TASK_UID


async def test_an_earlier_tasks_pods_are_removed_with_the_claim_that_they_use() -> None:
    harness = starting()
    harness.hold(CLAIMS, claim_manifest(), known=False)
    harness.hold(PODS, pod_manifest(7, owner_uid="former"))
    harness.hold(PODS, pod_manifest(3, owner_uid="another's", task="site"))
    deletions = Deletions(harness)
    await harness.reconcile()
    assert [call[:2] for call in deletions.calls] == [("pods", "web-7"), ("persistentvolumeclaims", "web-home")]
    assert harness.names("pods") == ["site-3"]


async def test_a_child_that_is_being_deleted_is_waited_for() -> None:
    harness = ReconcileHarness()
    pod = pod_manifest(owner_uid="former", deleting=True)
    harness.hold(PODS, pod, known=False)
    deletions = Deletions(harness)
    for _ in range(3):
        await harness.reconcile()
    assert deletions.calls == []
    assert harness.ready == ("False", "FormerTask")


async def test_a_home_of_the_task_that_took_the_name_since_is_not_deleted() -> None:
    """The operator lags behind: its Task is gone, and the home of the living Task looks to it like an earlier
    Task's."""
    harness = starting()
    harness.hold(TASKS, merge(task_manifest(version=300), {"metadata": {"uid": "living"}}), known=False)
    home = claim_manifest("living")
    harness.hold(CLAIMS, home, known=False)
    deletions = Deletions(harness)
    await harness.reconcile()
    assert deletions.calls == []
    assert harness.cluster.objects["persistentvolumeclaims", "team", "web-home"] == home
    assert harness.again.calls == [(WEB, 0.0)]


@pytest.mark.parametrize("deleting", [pytest.param(True, id="going"), pytest.param(False, id="gone")])
async def test_for_a_task_that_is_itself_being_deleted_nothing_is_deleted(deleting: bool) -> None:
    harness = starting()
    del harness.cluster.objects["tasks", "team", "web"]
    if deleting:
        harness.hold(TASKS, task_manifest(version=300, deleting=True), known=False)
    harness.hold(CLAIMS, claim_manifest(), known=False)
    deletions = Deletions(harness)
    await harness.reconcile()
    assert deletions.calls == []


async def test_the_home_of_the_task_itself_is_taken_as_it_is() -> None:
    harness = starting()
    harness.hold(CLAIMS, claim_manifest(TASK_UID), known=False)
    deletions = Deletions(harness)
    await harness.reconcile()
    assert deletions.calls == []
    assert harness.names("pods") == ["web-1"]


async def test_a_child_that_somebody_changed_meanwhile_is_checked_again() -> None:
    """For example, it got another owner."""
    harness = starting()
    given = claim_manifest() | {"spec": {"volumeName": "x"}}
    given["metadata"] = given["metadata"] | {"resourceVersion": "200", "ownerReferences": []}
    read = harness.cluster.get

    async def get(resource: Resource, namespace: str | None, name: str) -> Object | None:
        found = await read(resource, namespace, name)
        if resource is CLAIMS:
            harness.cluster.hold(CLAIMS, given)
        return found

    harness.hold(CLAIMS, claim_manifest(), known=False)
    harness.cluster.get = get  # type: ignore[method-assign]
    await harness.reconcile()
    assert harness.cluster.objects["persistentvolumeclaims", "team", "web-home"] == given
    await harness.reconcile()
    assert harness.ready == ("False", "NameConflict")
