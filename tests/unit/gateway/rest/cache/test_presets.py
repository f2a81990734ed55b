"""The presets of template versions, kept or read."""

from __future__ import annotations

import json
from typing import Any, cast

import msgspec
import pytest

from taskyard.apiclient import Parse
from taskyard.gateway.cluster import Cluster
from taskyard.gateway.rest.cache.objects.template import TEMPLATE_VERSION, TemplateVersionView
from taskyard.gateway.rest.cache.presets import Presets
from unit.gateway.rest.objects import Object, metadata


class Versions:
    """A cluster with these versions, and those that were `read`."""

    def __init__(self, *versions: Object) -> None:
        self.versions = {version["metadata"]["name"]: version for version in versions}
        self.read: list[str] = []

    async def template_version(self, namespace: str, name: str, *, parse: Parse) -> Any:
        self.read.append(name)
        items = [self.versions[name]] if name in self.versions else []
        return next(iter(parse(msgspec.json.encode({"items": items}))["items"]), None)


def version(text: str = "main", *, uid: str = "uid-shell", description: str = "") -> Object:
    presets = [
        {"name": "default", "default": True},
        {"name": "long", "description": description, "parameters": [{"name": "notes", "value": text}]},
    ]
    spec = {"template": "shell", "agent": {}, "pod": {"spec": {"containers": ["x" * 100_000]}}, "presets": presets}
    return {"metadata": metadata("shell-v1", uid=uid), "spec": spec}


def view(manifest: Object) -> TemplateVersionView:
    return TEMPLATE_VERSION.decode(json.dumps(manifest).encode())


def presets_of(cluster: Versions) -> Presets:
    return Presets(cast(Cluster, cluster))


async def test_small_ones_are_not_read() -> None:
    cluster, known = Versions(), view(version())
    found = await presets_of(cluster).of(known)
    assert [(preset.name, preset.parameters) for preset in found] == [("default", ()), ("long", (("notes", "main"),))]
    assert cluster.read == []


@pytest.mark.parametrize(
    "manifest",
    [version("x" * 8_000), version(description="\N{GRINNING FACE}" * 1_000)],
    ids=["a long value", "a long description"],
)
async def test_large_ones_are_read_when_somebody_asks_for_them(manifest: Object) -> None:
    cluster, known = Versions(manifest), view(manifest)
    assert [(preset.name, preset.is_default, preset.parameters) for preset in known.presets] == [
        ("default", True, ()),
        ("long", False, ()),
    ]
    (_, found) = await presets_of(cluster).of(known)
    (_, wanted) = manifest["spec"]["presets"]
    assert found.parameters == (("notes", wanted["parameters"][0]["value"]),)
    assert found.description == wanted["description"]
    assert cluster.read == ["shell-v1"]


@pytest.mark.parametrize("there", [(), (version(uid="another"),)], ids=["gone", "another of its name"])
async def test_a_version_that_is_gone_has_none(there: tuple[Object, ...]) -> None:
    assert await presets_of(Versions(*there)).of(view(version("x" * 8_000))) == ()
