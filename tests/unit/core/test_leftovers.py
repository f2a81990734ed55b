"""What a Task does with objects that have the names of its children (K3)."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core.build_view import BuildView
from taskyard.core.child_view import ChildView
from taskyard.core.claim_view import ClaimView
from taskyard.core.leftovers import Standing, conflict, standing
from taskyard.core.pod_view import PodView
from unit.core import builders
from unit.core.builders import NOW, TASK_UID, build_manifest, merge, owner, pod, pod_manifest, rfc3339, tekton_owner

Manifest = dict[str, Any]
CLAIM = "PersistentVolumeClaim"


def claim(*owners: Manifest, adoptable_by: str | None = None, **metadata: Any) -> ClaimView:
    """A claim of the name of the Task's home."""
    return builders.claim(owners=owners, adoptable_by=adoptable_by, labels=metadata.pop("labels", {}), **metadata)


def standing_of(found: ChildView) -> Standing:
    return standing(found, name="web", uid=TASK_UID)


LABELS = {"taskyard.dev/task": "web", "app.kubernetes.io/managed-by": "taskyard"}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(claim(adoptable_by="web"), Standing.ADOPTABLE, id="nobody's, annotated"),
        pytest.param(claim(), Standing.FOREIGN, id="nobody's"),
        pytest.param(claim(labels=LABELS), Standing.FOREIGN, id="nobody's, with the Task's labels"),
        pytest.param(claim(adoptable_by="site"), Standing.FOREIGN, id="annotated for another Task"),
        pytest.param(claim(adoptable_by=""), Standing.FOREIGN, id="annotated for none"),
        pytest.param(claim(owner("former"), adoptable_by="web"), Standing.ADOPTABLE, id="an earlier Task's, annotated"),
        pytest.param(claim(owner("former")), Standing.FORMER, id="an earlier Task's"),
        pytest.param(claim(owner("former"), adoptable_by="site"), Standing.FORMER, id="an earlier Task's, for another"),
        pytest.param(
            claim(owner(controller=False), adoptable_by="web"), Standing.ADOPTABLE, id="owned, not controlled"
        ),
        pytest.param(claim(owner("x", "site"), adoptable_by="web"), Standing.FOREIGN, id="another Task's, annotated"),
        pytest.param(
            claim(owner("s", "web", kind="StatefulSet"), adoptable_by="web"), Standing.FOREIGN, id="a StatefulSet's"
        ),
        pytest.param(claim(tekton_owner("former"), adoptable_by="web"), Standing.FOREIGN, id="a Tekton Task's"),
        pytest.param(
            claim(owner("former"), owner("c", "keeper", kind="ConfigMap", controller=False), adoptable_by="web"),
            Standing.FOREIGN,
            id="with a second owner",
        ),
        pytest.param(
            claim(adoptable_by="web", deletionTimestamp=rfc3339(NOW)), Standing.FOREIGN, id="annotated, being deleted"
        ),
        pytest.param(claim(owner(), adoptable_by="web"), Standing.OWN, id="its own, annotated"),
    ],
)
def test_a_claim_is_adopted_only_by_its_annotation_and_from_no_living_owner(
    found: ClaimView, expected: Standing
) -> None:
    """K3."""
    assert standing_of(found) is expected


def left_build(**metadata: Any) -> BuildView:
    return BuildView.of(merge(build_manifest(3), {"metadata": {"ownerReferences": None, **metadata}}))


def left_pod(*, containers: tuple[str, ...] = ("taskyard-sidecar",), **metadata: Any) -> PodView:
    spec = {"initContainers": [{"name": name} for name in containers] or None}
    left = {"metadata": {"ownerReferences": None, "labels": LABELS, **metadata}, "spec": spec}
    return PodView.of(merge(pod_manifest(), left))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(left_build(), Standing.LEFT_BEHIND, id="a build"),
        pytest.param(left_build(name="web-4"), Standing.FOREIGN, id="a build of another number"),
        pytest.param(
            left_build(ownerReferences=[owner("c", kind="ConfigMap")]),
            Standing.FOREIGN,
            id="a build that somebody owns",
        ),
        pytest.param(left_pod(), Standing.LEFT_BEHIND, id="a Pod"),
        pytest.param(left_pod(labels={"taskyard.dev/task": "site"}), Standing.FOREIGN, id="another Task's Pod"),
        pytest.param(left_pod(containers=()), Standing.FOREIGN, id="a Pod without sidecar"),
        pytest.param(
            left_pod(ownerReferences=[owner("s", kind="ReplicaSet")]),
            Standing.FOREIGN,
            id="a Pod that somebody owns",
        ),
    ],
)
def test_what_lost_its_owner_is_removed_if_it_was_a_tasks(found: ChildView, expected: Standing) -> None:
    """K3."""
    assert standing_of(found) is expected


@pytest.mark.parametrize(
    ("annotations", "end"),
    [
        pytest.param({}, "", id="no annotation"),
        pytest.param({"adoptable_by": "site"}, " --overwrite", id="an annotation for another Task"),
    ],
)
def test_the_message_ends_with_the_command_that_allows_the_adoption(annotations: dict[str, str], end: str) -> None:
    """K3."""
    found = conflict(claim(**annotations), kind=CLAIM, task="web")
    assert found.reason == "NameConflict"
    assert found.message.endswith(": kubectl -n team annotate pvc web-home taskyard.dev/adoptable-by=web" + end)


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        pytest.param(claim(), "is not this Task's", id="nobody's"),
        pytest.param(claim(owner("s", "db", kind="StatefulSet")), 'belongs to StatefulSet "db"', id="somebody's"),
        pytest.param(claim(deletionTimestamp=rfc3339(NOW)), "is being deleted", id="going"),
    ],
)
def test_nobody_is_told_to_delete_a_home(found: ClaimView, cause: str) -> None:
    """K3."""
    message = conflict(found, kind=CLAIM, task="web").message
    assert cause in message
    assert "delete it" not in message


def test_another_pod_of_the_name_may_be_deleted() -> None:
    assert "delete it" in conflict(pod(), kind="Pod", task="web").message
