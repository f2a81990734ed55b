"""The contents of inputs: what the cache does not keep is read."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from starlette.requests import Request

from taskyard.gateway.metrics import Metrics
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.access.memory import Memory
from taskyard.gateway.rest.cache.objects.task_input import INPUT, KEPT_CHARACTERS, digest
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.routes.inputs import _contents
from unit.gateway.rest.objects import Object, task_input


def with_content(name: str, content: str) -> Object:
    manifest = task_input(name)
    return manifest | {"spec": manifest["spec"] | {"content": content}}


class Reading:
    """A cluster that has these inputs, and records which are read."""

    def __init__(self, *manifests: Object) -> None:
        self.manifests = {manifest["metadata"]["name"]: manifest for manifest in manifests}
        self.read: list[str] = []
        self.cluster, self.memory = self, Memory(Metrics())

    async def task_input(self, namespace: str, name: str) -> Object | None:
        self.read.append(name)
        return self.manifests.get(name)


async def test_only_long_contents_are_read_and_room_is_held_for_them() -> None:
    short, long = with_content("short", "go on"), with_content("long", "x" * (KEPT_CHARACTERS + 1))
    gone, replaced = with_content("gone", "y" * 2000), with_content("replaced", "z" * 2000)
    entries = [INPUT.of(manifest) for manifest in (short, long, gone, replaced)]
    other = replaced | {"metadata": replaced["metadata"] | {"uid": "another"}}
    context, leaving = Reading(short, long, other), list[Any]()
    request = Request({"type": "http", "taskyard.leaving": leaving})
    person = cast(Person, SimpleNamespace(user=SimpleNamespace(digest=b"me")))
    contents = await _contents(cast(RestContext, context), request, person, entries)
    assert [contents[entry.uid] for entry in entries] == ["go on", "x" * 1025, "", ""]
    assert sorted(context.read) == ["gone", "long", "replaced"]
    assert context.memory.logs.bytes == sum(entry.size for entry in entries[1:])
    for leave in leaving:
        leave()
    assert context.memory.logs.bytes == 0


def test_a_long_content_is_known_by_its_digest_alone() -> None:
    entry = INPUT.of(with_content("long", "ü" * 100_000))
    assert (entry.content, entry.size) == (None, 400_000)
    assert entry.digest == digest("ü" * 100_000) != digest("ü" * 100_001)
