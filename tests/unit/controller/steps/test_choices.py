"""A Task whose parameters, or those of its version, are too large to be kept is treated like any other."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.controller.cache.pod_templates import PodTemplates
from taskyard.controller.cache.task_choices import TaskChoices
from taskyard.core.resources import TASKS, TEMPLATE_VERSIONS
from unit.controller.fakes import api_error
from unit.controller.reconcile_harness import WEB, ReconcileHarness
from unit.core.builders import merge, task_manifest, template_version_manifest

TEXT = "x" * 8_000
NAMES = [f"p{number}" for number in range(4)]
GIVEN = [{"name": name, "value": TEXT} for name in NAMES]
DECLARED = [{"name": name, "type": "string", "pattern": "[a-z]+"} for name in NAMES]
PRESET = {"name": "long", "default": True, "parameters": GIVEN, "resources": {"limits": {"memory": "2Gi"}}}


class Harness(ReconcileHarness):
    """With or without room for what is large."""

    def __init__(self, *, task: dict[str, Any], version: dict[str, Any], held: bool) -> None:
        super().__init__(task)
        if not held:
            self.stores.task_choices._held = TaskChoices(max_bytes=0)._held
            self.stores.pod_templates._held = PodTemplates(max_bytes=0)._held
        self.stores.tasks.remove(WEB)
        self.stores.tasks.put(task)
        self.put(version)

    def put(self, version: dict[str, Any]) -> None:
        self.stores.template_versions.remove(("team", "shell-v1"))
        self.stores.template_versions.put(version)
        self.cluster.hold(TEMPLATE_VERSIONS, version)

    @property
    def resolved(self) -> tuple[str, str, str]:
        (found,) = [c for c in self.status["conditions"] if c["type"] == "TemplateResolved"]
        return found["status"], found["reason"], found["message"]

    def variables(self) -> dict[str, str]:
        made = self.cluster.objects["pods", "team", "web-1"]
        return {entry["name"]: entry.get("value", "") for entry in made["spec"]["containers"][0]["env"]}

    @property
    def read(self) -> list[str]:
        """The kinds of what was read of the API server, except Pods."""
        return [plural for verb, plural, _ in self.cluster.calls if verb == "get" and plural != "pods"]


CASES = [
    pytest.param(GIVEN, DECLARED, None, id="of the Task"),
    pytest.param(None, DECLARED, [PRESET], id="of the version"),
    pytest.param(GIVEN, DECLARED, [PRESET], id="of both"),
]


@pytest.mark.parametrize("held", [True, False], ids=["held", "read"])
@pytest.mark.parametrize(("given", "declared", "presets"), CASES)
async def test_its_pod_has_them(given: Any, declared: Any, presets: Any, held: bool) -> None:
    version = template_version_manifest(parameters=declared, presets=presets)
    harness = Harness(task=task_manifest(parameters=given), version=version, held=held)
    await harness.reconcile()
    assert harness.resolved[:2] == ("True", "Resolved")
    assert {name: harness.variables()[name.upper()] for name in NAMES} == dict.fromkeys(NAMES, TEXT)
    assert bool(harness.read) is not held


@pytest.mark.parametrize("held", [True, False], ids=["held", "read"])
@pytest.mark.parametrize(("given", "declared", "presets"), CASES)
async def test_what_is_wrong_is_told_and_found_out_once(given: Any, declared: Any, presets: Any, held: bool) -> None:
    version = template_version_manifest(parameters=[d | {"pattern": "[0-9]+"} for d in declared], presets=presets)
    harness = Harness(task=task_manifest(parameters=given), version=version, held=held)
    await harness.reconcile()
    assert harness.resolved[:2] == ("False", "ParameterInvalid")
    assert 'Parameter "p0"' in harness.resolved[2]
    assert harness.names("pods") == []
    found = len(harness.read)
    await harness.reconcile()
    assert len(harness.read) == found, "nothing has changed"


async def test_a_version_that_is_created_later_is_looked_at() -> None:
    wrong = template_version_manifest(parameters=[d | {"pattern": "[0-9]+"} for d in DECLARED])
    harness = Harness(task=task_manifest(parameters=GIVEN), version=wrong, held=False)
    await harness.reconcile()
    right = merge(template_version_manifest(parameters=DECLARED, version=300), {"metadata": {"uid": "template-2"}})
    harness.put(right)
    await harness.reconcile()
    assert harness.resolved[0] == "True"
    assert harness.names("pods") == ["web-1"]


async def test_a_task_that_has_changed_since_is_looked_at_as_it_is_now() -> None:
    task, version = task_manifest(parameters=GIVEN), template_version_manifest(parameters=DECLARED)
    harness = Harness(task=task, version=version, held=False)
    newer = merge(task, {"metadata": {"generation": 2, "resourceVersion": "200"}, "spec": {"parameters": GIVEN[:1]}})
    newer["spec"]["parameters"] = [GIVEN[0] | {"value": "9" * 8_000}]
    harness.cluster.hold(TASKS, newer)
    await harness.reconcile()
    assert harness.resolved[:2] == ("False", "ParameterInvalid")


@pytest.mark.parametrize("gone", [TASKS, TEMPLATE_VERSIONS], ids=lambda resource: resource.plural)
async def test_what_is_gone_is_forgotten(gone: Any) -> None:
    harness = Harness(
        task=task_manifest(parameters=GIVEN),
        version=template_version_manifest(parameters=DECLARED, presets=[PRESET]),
        held=False,
    )
    name = "web" if gone is TASKS else "shell-v1"
    del harness.cluster.objects[gone.plural, "team", name]
    await harness.reconcile()
    assert harness.names("pods") == []
    if gone is TASKS:
        assert harness.stores.tasks.get(WEB) is None
    else:
        assert harness.resolved[:2] == ("False", "TemplateVersionNotFound")
    assert not harness.stores.examined


async def test_while_they_cannot_be_read_nothing_is_said_of_them() -> None:
    harness = Harness(
        task=task_manifest(parameters=GIVEN), version=template_version_manifest(parameters=DECLARED), held=False
    )
    harness.cluster.failures["get"] = [api_error(500)]
    with pytest.raises(Exception, match="no"):
        await harness.reconcile()
    assert harness.writes == []
    await harness.reconcile()
    assert harness.names("pods") == ["web-1"]
