"""A WorkspaceBuild, as it is created from its reservation."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from taskyard.api.vocabulary import BuildReason, Transition
from taskyard.api.workspacebuild import WorkspaceBuildSpec
from taskyard.core.build_view import BuildView
from taskyard.core.manifests import build
from unit.core.builders import owner, task

RESERVED: dict[str, Any] = {"number": 4, "transition": Transition.STOP, "reason": BuildReason.AUTO_PAUSE}


def test_it_says_what_was_reserved() -> None:
    manifest = build.manifest(task(prompt="mend the dör"), **RESERVED, template="shell", version="shell-v1")
    assert (manifest["metadata"]["namespace"], manifest["metadata"]["name"]) == ("team", "web-4")
    assert manifest["metadata"]["ownerReferences"] == [owner()]
    assert manifest["spec"] == {
        "task": "web",
        "number": 4,
        "transition": "Stop",
        "reason": "AutoPause",
        "templateVersion": "shell-v1",
        "promptSHA256": hashlib.sha256("mend the dör".encode()).hexdigest(),
    }
    WorkspaceBuildSpec.model_validate(manifest["spec"])


@pytest.mark.parametrize("template", ["shell", None])
def test_the_templates_label_is_there_when_the_template_is_known(template: str | None) -> None:
    labels = build.manifest(task(), **RESERVED, template=template, version="shell-v1")["metadata"]["labels"]
    assert labels.get("taskyard.dev/template") == template
    assert labels["taskyard.dev/build"] == "4"


def test_what_was_created_is_seen_as_pending() -> None:
    stored = build.manifest(task(), **RESERVED, template="shell", version="shell-v1")
    stored["metadata"] |= {"uid": "build-4", "resourceVersion": "7", "creationTimestamp": "2026-01-31T12:00:00Z"}
    view = BuildView.of(stored)
    assert (view.name, view.number, view.transition, view.reason) == (
        "web-4",
        4,
        Transition.STOP,
        BuildReason.AUTO_PAUSE,
    )
    assert not view.finished
