"""Whose an object is. Of those that have the name of a Task's child, only a former Task's may be deleted."""

from __future__ import annotations

import pytest

from taskyard.core.ownership import Ownership, TaskOwner, is_owned_by, owner_of, owner_uid, owners_of, ownership_of
from unit.core.builders import TASK_UID, Manifest, owner, pod, pod_manifest, task, tekton_owner

FORMER = owner("22222222-2222-4222-8222-222222222222")
OWN = owner(TASK_UID)


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param([owner("a")], "a", id="a Task"),
        pytest.param([owner("a", kind="Job")], None, id="another kind"),
        pytest.param([owner("a", controller=False)], None, id="a Task that does not control it"),
        pytest.param([owner("a", kind="Job"), owner("b")], "b", id="the one that is a Task"),
        pytest.param([owner("a") | {"apiVersion": "taskyard.dev/v2"}], "a", id="a Task of another version"),
        pytest.param([owner("a") | {"apiVersion": "v1"}], None, id="a Task of the core group"),
        pytest.param([owner("a") | {"apiVersion": "taskyard.dev.example.org/v1"}], None, id="a group alike"),
        pytest.param([tekton_owner("a")], None, id="a Tekton Task"),
        pytest.param([tekton_owner("a"), owner("b", controller=False)], None, id="a Tekton Task, not the Task"),
    ],
)
def test_which_task_controls_an_object(references: list[Manifest] | None, expected: str | None) -> None:
    manifest: Manifest = {"metadata": {} if references is None else {"ownerReferences": references}}
    assert owner_uid(manifest) == expected
    assert owner_of(manifest) == (TaskOwner("web", expected) if expected else None)
    assert is_owned_by(manifest, "a") is (expected == "a")


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        pytest.param([OWN], Ownership.OWN, id="the Task's"),
        pytest.param([OWN, owner("job-1", "nightly", kind="Job", controller=False)], Ownership.OWN, id="and a Job's"),
        pytest.param([OWN, FORMER | {"controller": False}], Ownership.OWN, id="and an earlier Task's"),
        pytest.param([FORMER], Ownership.FORMER, id="an earlier Task's"),
        pytest.param(
            [FORMER | {"controller": False}], Ownership.FORMER, id="an earlier Task's that did not control it"
        ),
        pytest.param([FORMER, owner("x") | {"controller": False}], Ownership.FORMER, id="two earlier Tasks'"),
        pytest.param(
            [FORMER | {"apiVersion": "taskyard.dev/v1"}], Ownership.FORMER, id="an earlier Task's of a later version"
        ),
        pytest.param([], Ownership.FOREIGN, id="nobody's"),
        pytest.param([owner("s", kind="StatefulSet")], Ownership.FOREIGN, id="another kind's"),
        pytest.param([tekton_owner("t")], Ownership.FOREIGN, id="a Task's of another group"),
        pytest.param([tekton_owner(TASK_UID)], Ownership.FOREIGN, id="a Task's of another group with this UID"),
        pytest.param([owner("x", "site")], Ownership.FOREIGN, id="a Task's of another name, which may live"),
        pytest.param(
            [FORMER, owner("c", "keep", kind="ConfigMap", controller=False)],
            Ownership.FOREIGN,
            id="an earlier Task's and a ConfigMap's, which may live",
        ),
        pytest.param(
            [FORMER, owner("x", "site") | {"controller": False}],
            Ownership.FOREIGN,
            id="an earlier Task's and one's of another name",
        ),
        pytest.param(
            [FORMER, OWN | {"controller": False}],
            Ownership.FOREIGN,
            id="an earlier Task's and, without control, the Task's",
        ),
    ],
)
def test_whose_it_is(owners: list[Manifest], expected: Ownership) -> None:
    child = pod_manifest()
    child["metadata"]["ownerReferences"] = owners
    assert ownership_of(owners_of(child), name=task().name, uid=task().uid) is expected


def test_without_owner_references_it_is_nobodys() -> None:
    child = pod_manifest()
    del child["metadata"]["ownerReferences"]
    assert ownership_of(owners_of(child), name=task().name, uid=task().uid) is Ownership.FOREIGN


def test_ownership_is_correct_only_from_the_living_tasks_view() -> None:
    """To the earlier Task, the living Task's objects look like an earlier Task's: so the caller's must live."""
    assert ownership_of(pod().owners, name=task().name, uid="former") is Ownership.FORMER


def test_of_very_many_owners_the_controller_is_known_and_that_there_are_others() -> None:
    """Nobody else's object is taken for one of a former Task because its owners are not all looked at."""
    many = [owner(f"former-{number}", controller=False) for number in range(500)]
    views = owners_of({"metadata": {"ownerReferences": [*many, owner("own")]}})
    assert len(views) == 2
    assert ownership_of(views, name="web", uid="own") is Ownership.OWN
    assert ownership_of(views, name="web", uid="another") is Ownership.FOREIGN
    assert ownership_of(owners_of({"metadata": {"ownerReferences": many}}), name="web", uid="x") is Ownership.FOREIGN
    assert ownership_of(owners_of({"metadata": {"ownerReferences": many[:4]}}), name="web", uid="x") is Ownership.FORMER


def test_a_uid_that_is_longer_than_any_is_nobodys() -> None:
    long = owner("own" + "x" * 5_000)
    assert ownership_of(owners_of({"metadata": {"ownerReferences": [long]}}), name="web", uid="own") is Ownership.FORMER
    assert len(owners_of({"metadata": {"ownerReferences": [long]}})[0].uid) < 300
