"""Restored and orphaned homes are adopted (K3), and homes grow (K12)."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core.names import ADOPTABLE_BY
from taskyard.core.resources import CLAIMS, PODS, TASKS, WORKSPACE_BUILDS
from unit.controller.fakes import api_error
from unit.controller.reconcile_harness import WEB, ReconcileHarness
from unit.core.builders import (
    TASK_UID,
    build_manifest,
    merge,
    owner,
    pod_manifest,
    reservation,
    task_manifest,
    template_version_manifest,
)

Object = dict[str, Any]
REFUSED = 'persistentvolumeclaims "web-home" is forbidden: the storageclass must support resize'
LABELS = {"taskyard.dev/task": "web", "app.kubernetes.io/managed-by": "taskyard"}


def home(
    *, adoptable_by: str | None = None, size: str = "1Gi", labels: Object | None = None, **metadata: Any
) -> Object:
    """A claim without an owner, of the name of the Task's home."""
    found: Object = {"name": "web-home", "namespace": "team", "uid": "claim", "resourceVersion": "50", **metadata}
    if labels is not None:
        found["labels"] = labels
    if adoptable_by:
        found["annotations"] = {ADOPTABLE_BY: adoptable_by, "note": "kept"}
    spec = {"resources": {"requests": {"storage": size}}}
    return {"kind": "PersistentVolumeClaim", "metadata": found, "spec": spec, "status": {"phase": "Bound"}}


def left_pod(number: int = 4, **metadata: Any) -> Object:
    spec = {"initContainers": [{"name": "taskyard-sidecar"}]}
    return merge(
        pod_manifest(number), {"metadata": {"ownerReferences": None, "labels": LABELS, **metadata}, "spec": spec}
    )


def claim_of(harness: ReconcileHarness) -> Object:
    return harness.cluster.objects["persistentvolumeclaims", "team", "web-home"]


@pytest.mark.parametrize(
    ("labels", "known"),
    [
        pytest.param(LABELS, True, id="restored with its labels"),
        pytest.param(None, False, id="made by hand, without labels, so that it is not watched"),
    ],
)
async def test_an_annotated_home_is_adopted_and_the_annotation_used_up(labels: Object | None, known: bool) -> None:
    """K3."""
    harness = ReconcileHarness()
    harness.hold(CLAIMS, home(adoptable_by="web", labels=labels), known=known)
    await harness.reconcile()
    metadata = claim_of(harness)["metadata"]
    assert metadata["uid"] == "claim", "it is the same claim"
    assert [(o["kind"], o["uid"], o["controller"]) for o in metadata["ownerReferences"]] == [("Task", TASK_UID, True)]
    assert metadata["annotations"] == {"note": "kept"}
    assert metadata["labels"]["taskyard.dev/task"] == "web"
    assert harness.names("pods") == ["web-1"]


@pytest.mark.parametrize(
    "live", [pytest.param("other", id="it names another"), pytest.param(None, id="it is not there")]
)
async def test_an_annotation_that_was_taken_back_allows_nothing(live: str | None) -> None:
    """K3: the operator does not know of it yet."""
    harness = ReconcileHarness(task_manifest(paused=True))
    harness.hold(CLAIMS, home(adoptable_by="web", labels=LABELS))
    harness.hold(CLAIMS, home(adoptable_by=live, labels=LABELS, resourceVersion="60"), known=False)
    await harness.reconcile()
    assert "ownerReferences" not in claim_of(harness)["metadata"]
    del harness.cluster.objects["persistentvolumeclaims", "team", "web-home"]
    harness.stores.claims.put(home(adoptable_by="web", labels=LABELS, resourceVersion="70"))
    await harness.reconcile()
    assert harness.names("persistentvolumeclaims") == []


async def test_a_paused_task_adopts_its_home_too() -> None:
    """K3."""
    harness = ReconcileHarness(task_manifest(paused=True))
    harness.hold(CLAIMS, home(adoptable_by="web", labels=LABELS))
    await harness.reconcile()
    assert [o["uid"] for o in claim_of(harness)["metadata"]["ownerReferences"]] == [TASK_UID]
    assert harness.names("workspacebuilds") == []


async def test_a_home_without_the_annotation_is_left_alone_and_the_command_is_told() -> None:
    """K3."""
    harness = ReconcileHarness()
    found = home(labels=LABELS)
    harness.hold(CLAIMS, found)
    await harness.reconcile()
    assert harness.ready == ("False", "NameConflict")
    (ready,) = [c for c in harness.status["conditions"] if c["type"] == "Ready"]
    assert ready["message"].endswith("kubectl -n team annotate pvc web-home taskyard.dev/adoptable-by=web")
    assert claim_of(harness) == found
    assert harness.again.calls == [(WEB, 10.0)]
    harness.hold(CLAIMS, home(labels=LABELS, adoptable_by="web", resourceVersion="5000"))
    await harness.reconcile()
    assert harness.names("pods") == ["web-1"]


async def test_a_full_quota_does_not_hide_that_the_home_is_there() -> None:
    """K3: a creation is refused by the quota that the restored claim fills, before its name is looked at."""
    harness = ReconcileHarness()
    harness.hold(CLAIMS, home(adoptable_by="web"), known=False)
    harness.cluster.failures["create"] = []
    create = harness.cluster.create

    async def refuse(resource: Any, manifest: Object) -> Object:
        if resource is CLAIMS:
            raise api_error(403, "Forbidden", "exceeded quota: homes")
        return await create(resource, manifest)

    harness.cluster.create = refuse  # type: ignore[method-assign]
    await harness.reconcile()
    assert harness.names("pods") == ["web-1"]


async def test_the_annotation_wins_over_a_former_owner() -> None:
    """K3: a restore that kept the ownerReferences of the Task that was."""
    harness = ReconcileHarness()
    harness.hold(CLAIMS, home(adoptable_by="web", ownerReferences=[owner("former")]), known=False)
    await harness.reconcile()
    assert ("delete", "persistentvolumeclaims", "web-home") not in harness.cluster.calls
    assert [o["uid"] for o in claim_of(harness)["metadata"]["ownerReferences"]] == [TASK_UID]


async def test_pods_that_were_left_behind_are_gone_before_the_home_is_adopted() -> None:
    """K3: two agents never share a home."""
    harness = ReconcileHarness()
    harness.hold(CLAIMS, home(adoptable_by="web", labels=LABELS))
    harness.hold(PODS, left_pod(4, deletionTimestamp="2026-01-31T12:00:00Z"))
    await harness.reconcile()
    assert "ownerReferences" not in claim_of(harness)["metadata"]
    harness.stores.pods.remove(("team", "web-4"))
    del harness.cluster.objects["pods", "team", "web-4"]
    await harness.reconcile()
    assert [o["uid"] for o in claim_of(harness)["metadata"]["ownerReferences"]] == [TASK_UID]


async def test_a_home_that_changed_since_it_was_read_is_read_again() -> None:
    """K3: for example, another controller has taken it."""
    harness = ReconcileHarness()
    harness.hold(CLAIMS, home(adoptable_by="web"), known=False)
    patch = harness.cluster.patch

    async def late(*arguments: Any) -> Object:
        if arguments[0] is CLAIMS:
            taken = home(adoptable_by="web", resourceVersion="7000", ownerReferences=[owner("s", "db", kind="Set")])
            harness.cluster.hold(CLAIMS, taken)
        return await patch(*arguments)

    harness.cluster.patch = late  # type: ignore[method-assign]
    await harness.reconcile()
    assert [o["name"] for o in claim_of(harness)["metadata"]["ownerReferences"]] == ["db"]
    assert harness.ready == ("False", "NameConflict")


async def test_a_refusal_of_the_adoption_is_told() -> None:
    """K3."""
    harness = ReconcileHarness()
    harness.hold(CLAIMS, home(adoptable_by="web", labels=LABELS))
    harness.cluster.failures["patch"] = [api_error(403, "Forbidden", "a webhook forbids it")]
    await harness.reconcile()
    assert harness.ready == ("False", "AdoptionRefused")
    await harness.reconcile()
    assert harness.names("pods") == ["web-1"]


@pytest.mark.parametrize("known", [pytest.param(True, id="known"), pytest.param(False, id="not known yet")])
async def test_builds_and_pods_that_were_left_behind_are_removed(known: bool) -> None:
    """K3."""
    harness = ReconcileHarness()
    for number in (1, 2, 12):
        left = merge(build_manifest(number, phase="Succeeded"), {"metadata": {"ownerReferences": None}})
        harness.hold(WORKSPACE_BUILDS, left, known=known)
    harness.hold(PODS, left_pod(1), known=known)
    for _ in range(4):
        await harness.reconcile()
    assert harness.build()["metadata"]["ownerReferences"][0]["uid"] == TASK_UID
    assert harness.cluster.objects["pods", "team", "web-1"]["metadata"]["ownerReferences"][0]["uid"] == TASK_UID
    if known:
        assert harness.names("workspacebuilds") == ["web-1"]


async def test_a_restored_pod_may_fill_the_home_until_that_is_adopted() -> None:
    """K3: backup tools restore volumes through the Pods that had them."""
    harness = ReconcileHarness()
    left = merge(build_manifest(phase="Succeeded"), {"metadata": {"ownerReferences": None}})
    harness.hold(WORKSPACE_BUILDS, left, known=False)
    harness.hold(PODS, left_pod(1))
    harness.hold(CLAIMS, home(labels=LABELS))
    for _ in range(3):
        await harness.reconcile()
    assert harness.ready == ("False", "NameConflict")
    assert harness.names("workspacebuilds") == ["web-1"]
    assert "ownerReferences" not in harness.cluster.objects["pods", "team", "web-1"]["metadata"]


async def test_nothing_is_removed_for_a_task_that_is_being_deleted_without_its_children() -> None:
    """K3: with `--cascade=orphan`, the builds lose their owner before the operator knows of the deletion."""
    harness = ReconcileHarness(task_manifest(version=101, status={"phase": "Pending", "build": reservation()}))
    left = merge(build_manifest(phase="Succeeded"), {"metadata": {"ownerReferences": None}})
    harness.hold(WORKSPACE_BUILDS, left)
    harness.hold(TASKS, task_manifest(version=300, deleting=True), known=False)
    await harness.reconcile()
    assert harness.names("workspacebuilds") == ["web-1"]


async def test_the_status_of_another_task_is_dropped() -> None:
    """K3: a restore that brings the status back."""
    restored = {
        "phase": "Active",
        "observedUID": "former",
        "build": reservation(7, phase="Succeeded"),
        "state": {"state": "Complete", "message": "", "uri": "", "timestamp": "2026-01-01T00:00:00Z", "build": 7},
        "workspace": {"status": "Running", "sidecarVersion": "0.1.0", "appHealth": "Healthy"},
        "promptSHA256": "x",
    }
    harness = ReconcileHarness(task_manifest(status=restored, ttlSecondsAfterFinished=0))
    await harness.reconcile()
    await harness.reconcile()
    status = harness.status
    assert status["observedUID"] == TASK_UID
    assert (status["phase"], status["build"]["number"]) == ("Pending", 1)
    assert "state" not in status and "promptSHA256" not in status
    assert status["workspace"] == {"status": "Pending"}
    assert harness.names("workspacebuilds") == ["web-1"]


def growing(size: str = "2Gi") -> ReconcileHarness:
    """A resumed Task with a home of 1Gi, whose version asks for another size."""
    harness = ReconcileHarness()
    harness.stores.template_versions.put(
        template_version_manifest(version=200, home={"size": size, "mountPath": "/home/agent"})
    )
    harness.hold(CLAIMS, home(labels=LABELS, ownerReferences=[owner()]))
    return harness


def home_resized(harness: ReconcileHarness) -> tuple[str, str, str] | None:
    for found in harness.status["conditions"]:
        if found["type"] == "HomeResized":
            return found["status"], found["reason"], found["message"]
    return None


async def test_a_home_grows_at_the_start() -> None:
    """K12."""
    harness = growing()
    await harness.reconcile()
    assert claim_of(harness)["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert harness.writes.index(("patch", "persistentvolumeclaims", "web-home")) < harness.writes.index(
        ("create", "pods", "web-1")
    )
    assert home_resized(harness) is None


async def test_a_refusal_is_told_and_the_start_goes_on() -> None:
    """K12."""
    harness = growing()
    harness.cluster.failures["patch"] = [api_error(403, "Forbidden", REFUSED)]
    await harness.reconcile()
    assert harness.names("pods") == ["web-1"]
    assert harness.build()["status"]["resizeRefusal"] == REFUSED
    told = home_resized(harness)
    assert told is not None
    assert told[:2] == ("False", "ResizeRefused") and REFUSED in told[2]
    before = len(harness.writes)
    await harness.reconcile()
    assert len(harness.writes) == before, "it is asked for once in a start"


async def test_a_home_that_changed_meanwhile_is_looked_at_again() -> None:
    """K12."""
    harness = growing()
    harness.cluster.hold(CLAIMS, home(labels=LABELS, ownerReferences=[owner()], resourceVersion="60", size="1.5Gi"))
    await harness.reconcile()
    assert claim_of(harness)["spec"]["resources"]["requests"]["storage"] == "2Gi"
    assert home_resized(harness) is None


async def test_an_api_server_that_does_not_answer_is_no_refusal() -> None:
    """K12."""
    harness = growing()
    harness.cluster.failures["patch"] = [api_error(500, "InternalError")]
    with pytest.raises(type(api_error(500))):
        await harness.reconcile()
    assert harness.names("pods") == []
    await harness.reconcile()
    assert harness.names("pods") == ["web-1"]
    assert claim_of(harness)["spec"]["resources"]["requests"]["storage"] == "2Gi"


async def test_a_home_never_shrinks() -> None:
    """K12."""
    harness = growing("512Mi")
    await harness.reconcile()
    assert claim_of(harness)["spec"]["resources"]["requests"]["storage"] == "1Gi"
    assert harness.names("pods") == ["web-1"]
    told = home_resized(harness)
    assert told is not None and told[:2] == ("False", "ShrinkNotSupported")
