"""Validating TemplateVersions by a dry run."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.controller.cluster import TEMPLATE_VERSIONS, ApiError
from taskyard.controller.stores import Stores
from taskyard.controller.templates.template_version_validator import TemplateVersionValidator
from unit.controller.fakes import Again, FakeCluster, api_error
from unit.core.builders import NOW, installation, template_version_manifest

SHELL = ("team", "shell-v1")


class World:
    """A version, and what became of it."""

    def __init__(self, manifest: dict[str, Any] | None, *failures: ApiError) -> None:
        self.cluster, self.stores, self.again = FakeCluster(), Stores(), Again()
        self.cluster.failures["dry run"] = list(failures)
        if manifest:
            self.cluster.hold(TEMPLATE_VERSIONS, manifest)
            self.stores.template_versions.put(manifest)
        self.validator = TemplateVersionValidator(
            self.cluster, self.stores, installation(), clock=lambda: NOW, again=self.again
        )

    @property
    def verdict(self) -> tuple[str, str] | None:
        found = self.stores.template_versions.get(SHELL)
        conditions = (found or {}).get("status", {}).get("conditions")
        return (conditions[0]["status"], conditions[0]["reason"]) if conditions else None

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _, _ in self.cluster.calls]


async def test_a_version_whose_pod_is_taken_is_valid_and_not_asked_about_again() -> None:
    world = World(template_version_manifest())
    await world.validator.validate(SHELL)
    await world.validator.validate(SHELL)
    assert world.verdict == ("True", "DryRunPassed")
    assert world.verbs == ["dry run", "patch status"]
    assert [key for key in world.cluster.objects if key[0] == "pods"] == []


@pytest.mark.parametrize("status", [400, 403, 422])
async def test_a_version_whose_pod_is_refused_says_why(status: int) -> None:
    world = World(template_version_manifest(), api_error(status, message="image: Required value"))
    await world.validator.validate(SHELL)
    assert world.verdict == ("False", "PodRefused")
    found = world.stores.template_versions.get(SHELL)
    assert found
    assert "image: Required value" in found["status"]["conditions"][0]["message"]


async def test_what_can_be_told_without_the_api_server_is() -> None:
    world = World(template_version_manifest(pod={"spec": {}}))
    await world.validator.validate(SHELL)
    assert world.verdict == ("False", "PodRefused")
    assert world.verbs == ["patch status"]


async def test_a_used_up_quota_says_nothing_of_the_version() -> None:
    world = World(template_version_manifest(), api_error(403, "Forbidden", "exceeded quota: pods"))
    await world.validator.validate(SHELL)
    assert world.verdict is None
    assert world.again.calls == [(SHELL, 10.0)]


async def test_a_fault_of_the_api_server_is_told_and_says_nothing_of_the_version() -> None:
    world = World(template_version_manifest(), api_error(503))
    with pytest.raises(ApiError):
        await world.validator.validate(SHELL)
    assert world.verdict is None


async def test_in_a_namespace_that_goes_nothing_is_done() -> None:
    world = World(template_version_manifest(), api_error(403, "Forbidden", causes=("NamespaceTerminating",)))
    await world.validator.validate(SHELL)
    assert world.verdict is None
    assert world.again.calls == []


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(None, id="gone"),
        pytest.param(
            template_version_manifest()
            | {"metadata": template_version_manifest()["metadata"] | {"deletionTimestamp": "x"}},
            id="being deleted",
        ),
    ],
)
async def test_a_version_that_is_no_more_is_not_asked_about(manifest: dict[str, Any] | None) -> None:
    world = World(manifest)
    await world.validator.validate(SHELL)
    assert world.verbs == []


async def test_a_version_that_goes_meanwhile_is_no_fault() -> None:
    world = World(template_version_manifest())
    world.cluster.objects.clear()
    await world.validator.validate(SHELL)
    assert world.verbs == ["dry run", "patch status"]


async def test_a_version_that_was_refused_is_looked_at_again_and_becomes_valid() -> None:
    world = World(template_version_manifest(), api_error(403, message='violates PodSecurity "restricted"'))
    await world.validator.validate(SHELL)
    assert world.again.calls == [(SHELL, 300.0)]
    await world.validator.validate(SHELL)
    assert world.verdict == ("True", "DryRunPassed")
    assert world.again.calls == [(SHELL, 300.0)], "valid for good"


async def test_the_same_verdict_is_not_written_again() -> None:
    refusal = api_error(422, message="image: Required value")
    world = World(template_version_manifest(), refusal, refusal, api_error(422, message="command: Required value"))
    await world.validator.validate(SHELL)
    await world.validator.validate(SHELL)
    assert world.verbs == ["dry run", "patch status", "dry run"]
    assert world.again.calls == [(SHELL, 300.0)] * 2, "and looked at again all the same"
    await world.validator.validate(SHELL)
    assert world.verbs[3:] == ["dry run", "patch status"], "another cause is written"


async def test_what_can_be_told_without_the_api_server_is_written_once() -> None:
    world = World(template_version_manifest(pod={"spec": {}}))
    for _ in range(3):
        await world.validator.validate(SHELL)
    assert world.verbs == ["patch status"]


async def test_conditions_that_others_keep_stay() -> None:
    audited = {"type": "example.org/Audited", "status": "True", "reason": "x", "message": ""}
    world = World(template_version_manifest() | {"status": {"conditions": [audited]}})
    await world.validator.validate(SHELL)
    found = world.stores.template_versions.get(SHELL)
    assert found
    assert [condition["type"] for condition in found["status"]["conditions"]] == ["Valid", "example.org/Audited"]
    assert found["status"]["conditions"][1] == audited
