"""Names and labels of a Task's children."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core import names
from taskyard.limits import MAX_TASK_NAME_CHARACTERS

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(names.build_name("web", 12), "web-12", id="build and Pod"),
        pytest.param(names.claim_name("web"), "web-home", id="claim"),
        pytest.param(names.snapshot_name("web"), "web-snapshot", id="snapshot"),
    ],
)
def test_name(found: str, expected: str) -> None:
    assert found == expected


@given(
    task=st.from_regex(rf"\A[a-z0-9]([-a-z0-9]{{0,{MAX_TASK_NAME_CHARACTERS - 2}}}[a-z0-9])?\Z"),
    number=st.integers(1, 9_999_999_999),
)
def test_children_of_the_longest_task_have_names_and_labels_that_kubernetes_takes(task: str, number: int) -> None:
    for name in (names.build_name(task, number), names.claim_name(task), names.snapshot_name(task)):
        assert LABEL.fullmatch(name)
    for value in names.labels(task=task, template="shell", template_version="shell-v1", build=number).values():
        assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", value)


def test_labels() -> None:
    always = {
        "taskyard.dev/task": "web",
        "taskyard.dev/template-version": "shell-v1",
        "app.kubernetes.io/name": "taskyard-task",
        "app.kubernetes.io/instance": "web",
        "app.kubernetes.io/managed-by": "taskyard",
    }
    assert names.labels(task="web", template=None, template_version="shell-v1") == always
    assert names.labels(task="web", template="shell", template_version="shell-v1", build=2) == always | {
        "taskyard.dev/template": "shell",
        "taskyard.dev/build": "2",
    }


def test_a_child_does_not_hold_up_the_deletion_of_its_task() -> None:
    reference = names.owner_reference(name="web", uid="u")
    assert reference["controller"] is True
    assert "blockOwnerDeletion" not in reference


def test_a_creator_is_named_unless_the_name_is_too_long() -> None:
    longest = "ü" * 512
    assert names.created_by("system:serviceaccount:team:bot") == {
        "taskyard.dev/created-by": "system:serviceaccount:team:bot"
    }
    assert names.created_by(longest) == {"taskyard.dev/created-by": longest}
    assert names.created_by(longest + "x") == {}
