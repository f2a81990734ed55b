"""The PersistentVolumeClaim of a Task's home."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.core.manifests import claim
from unit.core.builders import owner, task, template_version


@pytest.mark.parametrize(
    ("home", "expected"),
    [
        pytest.param({"size": "10Gi"}, {"resources": {"requests": {"storage": "10Gi"}}}, id="the default class"),
        pytest.param(
            {"size": "1Ti", "storageClassName": "fast"},
            {"resources": {"requests": {"storage": "1Ti"}}, "storageClassName": "fast"},
            id="a class by name",
        ),
        pytest.param(
            {"size": "1Gi", "storageClassName": ""},
            {"resources": {"requests": {"storage": "1Gi"}}, "storageClassName": ""},
            id="the empty name: no class at all",
        ),
    ],
)
def test_size_and_class_are_the_versions(home: dict[str, str], expected: dict[str, Any]) -> None:
    assert claim.manifest(task(), template_version(home=home))["spec"] == {"accessModes": ["ReadWriteOnce"], **expected}


def test_it_is_the_tasks_and_outlives_its_builds() -> None:
    metadata = claim.manifest(task(), template_version())["metadata"]
    assert (metadata["namespace"], metadata["name"]) == ("team", "web-home")
    assert metadata["ownerReferences"] == [owner()]
    assert metadata["labels"]["taskyard.dev/task"] == "web"
    assert "taskyard.dev/build" not in metadata["labels"]


def test_a_version_without_a_home_has_no_claim() -> None:
    with pytest.raises(ValueError, match="template version shell-v1 has no home"):
        claim.manifest(task(), template_version(home=None))
