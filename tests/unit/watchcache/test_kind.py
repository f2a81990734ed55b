"""What is read of an object, and what is kept."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from taskyard.controller.cache import kinds
from taskyard.controller.cache.task_choices import TaskChoices
from taskyard.controller.cache.unkept import Unkept
from taskyard.core.resources import TEMPLATE_VERSIONS
from taskyard.watchcache.kind import Kind, key_of
from unit.core import builders
from unit.core.builders import Manifest
from unit.watchcache.things import RESOURCE, THINGS, Thing, thing, thing_manifest

TASK = kinds.task_kind(TaskChoices())


def encoded(manifest: Manifest) -> bytes:
    return json.dumps(manifest).encode()


def test_the_view_of_an_object_is_the_view_of_its_json() -> None:
    manifest = thing_manifest(at=7, spec={"large": "x" * 1000})
    assert THINGS.of(manifest) == THINGS.decode(encoded(manifest)) == thing(at=7)
    assert THINGS.decode(msgspec.Raw(encoded(manifest))) == thing(at=7)
    assert key_of(thing()) == ("team", "a")


def test_only_the_fields_of_the_shape_are_read() -> None:
    seen: list[dict[str, Any]] = []

    def view(manifest: dict[str, Any]) -> Thing:
        seen.append(manifest)
        return Thing.of(manifest)

    kind = Kind(RESOURCE, THINGS._shape, view)
    manifest = thing_manifest(spec={"a": 1}, status=[None])
    manifest["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    kind.decode(encoded(manifest))
    kind.of(manifest)
    assert seen == [thing_manifest()] * 2
    assert "managedFields" in manifest["metadata"], "what was given stays as it is"


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(thing_manifest() | {"metadata": {"name": "a"}}, id="a required field is missing"),
        pytest.param(thing_manifest() | {"group": 7}, id="another type"),
        pytest.param(thing_manifest() | {"metadata": None}, id="null"),
        pytest.param([], id="no object"),
    ],
)
def test_what_is_not_of_the_shape_is_told(manifest: Any) -> None:
    with pytest.raises(ValueError, match=r"Expected|missing"):
        THINGS.of(manifest)
    with pytest.raises(ValueError, match=r"Expected|missing"):
        THINGS.decode(encoded(manifest))


@pytest.mark.parametrize(
    ("kind", "manifest"),
    [
        pytest.param(TASK, builders.task_manifest(resumed_at="noon", template="shell"), id="Task"),
        pytest.param(kinds.TEMPLATE, builders.template_manifest(), id="Template"),
        pytest.param(kinds.BY_RESOURCE[TEMPLATE_VERSIONS], builders.template_version_manifest(), id="TemplateVersion"),
        pytest.param(kinds.INPUT, builders.input_manifest(), id="TaskInput"),
        pytest.param(
            kinds.build_kind(Unkept()), builders.build_manifest(phase="Succeeded", pod_uid="pod-1"), id="WorkspaceBuild"
        ),
        pytest.param(kinds.POD, builders.pod_manifest(disruption="PreemptionByScheduler"), id="Pod"),
        pytest.param(kinds.CLAIM, builders.claim_manifest(adoptable_by="web", resizing="waits"), id="claim"),
    ],
)
def test_no_field_that_a_view_is_made_of_is_missing_in_its_shape(kind: Kind[Any], manifest: Manifest) -> None:
    """A field that the shape forgot would be in the view that is made of the whole object, and not in what is kept."""
    assert kind.of(manifest) == kind.decode(encoded(manifest)) == kind._view(manifest)
