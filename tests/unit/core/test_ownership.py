"""Whose an object is that has the name of a Task's child: only a former Task's may be deleted."""

from __future__ import annotations

import pytest

from taskyard.core.ownership import Whose, whose
from unit.core.builders import TASK_UID, Manifest, owner, pod_manifest, task

FORMER = owner("22222222-2222-4222-8222-222222222222")
OWN = owner(TASK_UID)
TEKTON = owner("t") | {"apiVersion": "tekton.dev/v1"}


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        pytest.param([OWN], Whose.OWN, id="the Task's"),
        pytest.param([OWN, owner("job-1", "nightly", kind="Job", controller=False)], Whose.OWN, id="and a Job's"),
        pytest.param([OWN, FORMER | {"controller": False}], Whose.OWN, id="and a former Task's"),
        pytest.param([FORMER], Whose.FORMER, id="a former Task's"),
        pytest.param([FORMER | {"controller": False}], Whose.FORMER, id="a former Task's that did not control it"),
        pytest.param([FORMER, owner("x") | {"controller": False}], Whose.FORMER, id="two former Tasks'"),
        pytest.param(
            [FORMER | {"apiVersion": "taskyard.dev/v1"}], Whose.FORMER, id="a former Task's of a later version"
        ),
        pytest.param([], Whose.FOREIGN, id="nobody's"),
        pytest.param([owner("s", kind="StatefulSet")], Whose.FOREIGN, id="another kind's"),
        pytest.param([TEKTON], Whose.FOREIGN, id="a Task's of another group"),
        pytest.param([owner("x", "site")], Whose.FOREIGN, id="a Task's of another name, which may live"),
        pytest.param(
            [FORMER, owner("c", "keep", kind="ConfigMap", controller=False)],
            Whose.FOREIGN,
            id="a former Task's and a ConfigMap's, which may live",
        ),
        pytest.param(
            [FORMER, owner("x", "site") | {"controller": False}],
            Whose.FOREIGN,
            id="a former Task's and one's of another name",
        ),
        pytest.param(
            [FORMER, OWN | {"controller": False}], Whose.FOREIGN, id="a former Task's and, without control, the Task's"
        ),
    ],
)
def test_whose_it_is(owners: list[Manifest], expected: Whose) -> None:
    child = pod_manifest()
    child["metadata"]["ownerReferences"] = owners
    assert whose(child, name=task().name, uid=task().uid) is expected


def test_without_owner_references_it_is_nobodys() -> None:
    child = pod_manifest()
    del child["metadata"]["ownerReferences"]
    assert whose(child, name=task().name, uid=task().uid) is Whose.FOREIGN


def test_the_way_round_matters() -> None:
    """Seen from the former Task, what belongs to the living one would be a former Task's: so who looks must live."""
    assert whose(pod_manifest(), name=task().name, uid="former") is Whose.FORMER
