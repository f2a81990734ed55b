"""The condition of Templates, written when it changes."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.controller.cluster import TEMPLATES, ApiError
from taskyard.controller.stores import Stores
from taskyard.controller.templates.template_checker import Pointers
from unit.controller.fakes import FakeCluster, api_error
from unit.core.builders import NOW, pointer_manifest, template_manifest

SHELL = ("team", "shell")


class World:
    """A Template, and the versions that the operator knows of."""

    def __init__(self, template: dict[str, Any] | None = None) -> None:
        self.cluster, self.stores = FakeCluster(), Stores()
        self.pointers = Pointers(self.cluster, self.stores, clock=lambda: NOW)
        if template:
            self.cluster.hold(TEMPLATES, template)
            self.stores.templates.put(template)

    @property
    def shown(self) -> tuple[str, str]:
        (condition,) = self.cluster.objects["templates", *SHELL]["status"]["conditions"]
        return condition["status"], condition["reason"]


async def test_it_follows_its_version_and_is_written_only_when_it_changes() -> None:
    world = World(pointer_manifest())
    await world.pointers.check(SHELL)
    assert world.shown == ("False", "TemplateVersionNotFound")
    world.stores.template_versions.put(template_manifest(template="other"))
    await world.pointers.check(SHELL)
    assert world.shown == ("False", "TemplateMismatch")
    world.stores.template_versions.put(template_manifest(version=101))
    for _ in range(2):
        await world.pointers.check(SHELL)
    assert world.shown == ("True", "Resolved")
    assert len(world.cluster.calls) == 3


async def test_one_that_is_gone_is_left_alone() -> None:
    world = World()
    await world.pointers.check(SHELL)
    going = pointer_manifest()
    going["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    world = World(going)
    await world.pointers.check(SHELL)
    assert world.cluster.calls == []
    world = World(pointer_manifest())
    world.cluster.objects.clear()
    await world.pointers.check(SHELL)


async def test_a_fault_is_told() -> None:
    world = World(pointer_manifest())
    world.cluster.failures["patch status"] = [api_error(503)]
    with pytest.raises(ApiError):
        await world.pointers.check(SHELL)
