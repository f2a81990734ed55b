"""The condition of Templates, written when it changes."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError
from taskyard.controller.templates.template_checker import TemplateChecker
from taskyard.core.resources import TEMPLATES
from unit.controller.fakes import FakeCluster, api_error
from unit.core.builders import NOW, template_manifest, template_version_manifest

SHELL = ("team", "shell")


class CheckerHarness:
    """A Template, and the versions that the operator knows."""

    def __init__(self, template: dict[str, Any] | None = None) -> None:
        self.cluster, self.stores = FakeCluster(), Stores()
        self.checker = TemplateChecker(self.cluster, self.stores, clock=lambda: NOW)
        if template:
            self.cluster.hold(TEMPLATES, template)
            self.stores.templates.put(template)

    @property
    def shown(self) -> tuple[str, str]:
        (condition,) = self.cluster.objects["templates", *SHELL]["status"]["conditions"]
        return condition["status"], condition["reason"]


async def test_it_follows_its_version_and_is_written_only_when_it_changes() -> None:
    harness = CheckerHarness(template_manifest())
    await harness.checker.check(SHELL)
    assert harness.shown == ("False", "TemplateVersionNotFound")
    harness.stores.template_versions.put(template_version_manifest(template="other"))
    await harness.checker.check(SHELL)
    assert harness.shown == ("False", "TemplateMismatch")
    harness.stores.template_versions.put(template_version_manifest(version=101))
    for _ in range(2):
        await harness.checker.check(SHELL)
    assert harness.shown == ("True", "Resolved")
    assert len(harness.cluster.calls) == 3


async def test_one_that_is_gone_is_left_alone() -> None:
    harness = CheckerHarness()
    await harness.checker.check(SHELL)
    going = template_manifest()
    going["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    harness = CheckerHarness(going)
    await harness.checker.check(SHELL)
    assert harness.cluster.calls == []
    harness = CheckerHarness(template_manifest())
    harness.cluster.objects.clear()
    await harness.checker.check(SHELL)


async def test_a_fault_is_told() -> None:
    harness = CheckerHarness(template_manifest())
    harness.cluster.failures["patch status"] = [api_error(503)]
    with pytest.raises(ApiError):
        await harness.checker.check(SHELL)
