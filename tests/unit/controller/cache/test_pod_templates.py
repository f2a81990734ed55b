"""The Pods of template versions: held within some bytes, else read."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from taskyard.controller.cache import pod_templates
from taskyard.controller.cache.pod_templates import PodTemplates
from taskyard.core.resources import TEMPLATE_VERSIONS, Resource
from taskyard.core.template_version_view import TemplateVersionView
from unit.controller.fakes import FakeCluster
from unit.controller.reconcile_harness import ReconcileHarness
from unit.core.builders import template_version_manifest


def manifest(name: str, *, filling: str = "") -> dict[str, Any]:
    container = {"name": "agent", "command": ["bash", filling]}
    found = template_version_manifest(name=name, pod={"spec": {"containers": [container]}})
    found["metadata"]["uid"] = f"uid-{name}"
    return found


async def test_the_view_that_is_kept_has_no_pod_and_gets_it_back_for_a_while() -> None:
    cluster, pods = FakeCluster(), PodTemplates()
    lean = pods.lean(manifest("a"))
    assert (lean.pod, lean.agent_problem) == ({}, None)
    async with pods.whole(cluster, lean) as whole:
        assert whole == TemplateVersionView.of(manifest("a"))
    assert cluster.calls == []


async def test_what_is_beyond_the_bytes_is_read_anew() -> None:
    cluster, pods = FakeCluster(), PodTemplates(max_bytes=3_000)
    views = [pods.lean(manifest(name, filling="x" * 1_000)) for name in "abcde"]
    assert pods.bytes <= 3_000
    cluster.hold(TEMPLATE_VERSIONS, manifest("a", filling="x" * 1_000))
    async with pods.whole(cluster, views[4]) as whole:
        assert whole and whole.pod
    assert cluster.calls == []
    async with pods.whole(cluster, views[0]) as whole:
        assert whole == TemplateVersionView.of(manifest("a", filling="x" * 1_000))
    assert cluster.calls == [("get", "templateversions", "a")]
    huge = pods.lean(manifest("huge", filling="x" * 5_000))
    assert pods.bytes <= 3_000
    async with pods.whole(cluster, huge) as whole:
        assert whole is None, "it is gone"


async def test_another_version_of_the_name_is_not_taken_for_it() -> None:
    cluster, pods = FakeCluster(), PodTemplates(max_bytes=0)
    lean, other = pods.lean(manifest("a")), manifest("a")
    other["metadata"]["uid"] = "another"
    cluster.hold(TEMPLATE_VERSIONS, other)
    async with pods.whole(cluster, lean) as whole:
        assert whole is None


@pytest.mark.parametrize("held", [1, 0], ids=["held", "to be read"])
async def test_of_the_large_ones_a_few_are_in_memory_at_a_time_and_of_one_namespace_fewer(held: int) -> None:
    cluster, pods = FakeCluster(), PodTemplates(max_bytes=held * pod_templates.MAX_BYTES)
    inside: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def use(namespace: str) -> None:
        made = manifest(f"large-{namespace}", filling="x" * 1_400_000)
        made["metadata"]["namespace"] = namespace
        cluster.hold(TEMPLATE_VERSIONS, made)
        async with pods.whole(cluster, pods.lean(made)) as whole:
            assert whole and whole.pod
            for counted in (namespace, "all"):
                inside[counted] += 1
                most[counted] = max(most[counted], inside[counted])
            await asyncio.sleep(0.02)
            inside.subtract((namespace, "all"))

    using = [asyncio.create_task(use("full")) for _ in range(20)]
    await asyncio.sleep(0.01)
    async with asyncio.timeout(1):
        await use("team")
        await use("team")
    assert inside["full"] and not all(task.done() for task in using), "it does not wait for the other namespace"
    await asyncio.gather(*using)
    assert (most["full"], most["all"]) == (2, 3)


async def test_small_ones_wait_for_nobody() -> None:
    cluster, pods = FakeCluster(), PodTemplates()
    large, small = pods.lean(manifest("large", filling="x" * 1_400_000)), pods.lean(manifest("small"))
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(pods.whole(cluster, large))
        async with asyncio.timeout(1), pods.whole(cluster, small) as whole:
            assert whole and whole.pod


DECLARED = [{"name": "notes", "type": "string", "default": "d" * 2_000}]
PRESETS = [{"name": "long", "default": True, "parameters": [{"name": "notes", "value": "p" * 8_000}]}]


async def test_large_parameters_and_presets_are_not_in_the_view_and_come_back_with_the_pod_or_alone() -> None:
    made = template_version_manifest(parameters=DECLARED, presets=PRESETS)
    whole = TemplateVersionView.of(made)
    for pods in (PodTemplates(), PodTemplates(max_bytes=0)):
        cluster = FakeCluster()
        cluster.hold(TEMPLATE_VERSIONS, made)
        lean = pods.lean(made)
        assert (lean.parameters, lean.presets, lean.has_large_parameters) == ((), (), True)
        async with pods.whole(cluster, lean) as found:
            assert found == whole
        assert await pods.choices(cluster, lean) == replace(whole, pod={})
        assert len(cluster.calls) == (0 if pods.bytes else 2)


async def test_small_ones_stay_in_the_view() -> None:
    made = template_version_manifest(parameters=[{"name": "branch", "type": "string", "default": "main"}])
    lean = PodTemplates(max_bytes=0).lean(made)
    assert lean == replace(TemplateVersionView.of(made), pod={})
    assert await PodTemplates(max_bytes=0).choices(FakeCluster(), lean) is lean


async def test_a_version_that_is_gone_when_its_pod_is_to_be_made_is_told_missing() -> None:
    harness = ReconcileHarness()
    harness.stores.pod_templates._held.drop("template-1")
    await harness.reconcile()
    assert harness.names("pods") == []
    assert harness.cluster.calls.count(("get", "templateversions", "shell-v1")) == 1
    found = next(entry for entry in harness.status["conditions"] if entry["type"] == "TemplateResolved")
    assert (found["status"], found["reason"]) == ("False", "TemplateVersionNotFound")


async def test_a_pod_is_made_of_a_template_that_is_not_held() -> None:
    harness = ReconcileHarness()
    harness.stores.pod_templates._held.drop("template-1")
    harness.cluster.hold(TEMPLATE_VERSIONS, template_version_manifest())
    await harness.reconcile()
    assert harness.names("pods") == ["web-1"]


async def test_a_pod_is_decoded_when_its_write_need_not_wait_any_more() -> None:
    """A namespace that has used up its share of writes does not keep the few places for large Pods."""
    harness, asked, goes_on = ReconcileHarness(), asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def turn(resource: Resource, namespace: str) -> AsyncIterator[None]:
        asked.set()
        await goes_on.wait()
        yield

    harness.cluster.turn = turn  # type: ignore[method-assign]
    pods = harness.stores.pod_templates
    large = manifest("shell-v1", filling="x" * 1_400_000)
    harness.stores.template_versions.put(large)
    starting = asyncio.create_task(harness.reconcile())
    async with asyncio.timeout(2), AsyncExitStack() as others:
        await asked.wait()
        for _ in range(2):
            assert await others.enter_async_context(pods.whole(harness.cluster, TemplateVersionView.of(large)))
    assert harness.names("pods") == []
    goes_on.set()
    await starting
    assert harness.names("pods") == ["web-1"]
