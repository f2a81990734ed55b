"""The Pods of template versions: held within some bytes, else read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

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


async def test_of_the_large_ones_a_few_are_in_memory_at_a_time() -> None:
    cluster, pods, inside, most = FakeCluster(), PodTemplates(), 0, 0
    large, small = pods.lean(manifest("large", filling="x" * 100_000)), pods.lean(manifest("small"))

    async def use() -> None:
        nonlocal inside, most
        async with pods.whole(cluster, large):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    using = [asyncio.create_task(use()) for _ in range(20)]
    await asyncio.sleep(0.001)
    async with asyncio.timeout(0.005), pods.whole(cluster, small) as whole:
        assert whole, "it does not wait for them"
    await asyncio.gather(*using)
    assert most == pod_templates.LARGE_AT_ONCE


async def test_a_version_that_is_gone_when_its_pod_is_to_be_made_is_told_missing() -> None:
    harness = ReconcileHarness()
    harness.stores.pod_templates._held.clear()
    await harness.reconcile()
    assert harness.names("pods") == []
    assert harness.cluster.calls.count(("get", "templateversions", "shell-v1")) == 1
    found = next(entry for entry in harness.status["conditions"] if entry["type"] == "TemplateResolved")
    assert (found["status"], found["reason"]) == ("False", "TemplateVersionNotFound")


async def test_a_pod_is_made_of_a_template_that_is_not_held() -> None:
    harness = ReconcileHarness()
    harness.stores.pod_templates._held.clear()
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
    large = manifest("shell-v1", filling="x" * 100_000)
    harness.stores.template_versions.put(large)
    starting = asyncio.create_task(harness.reconcile())
    async with asyncio.timeout(2), AsyncExitStack() as others:
        await asked.wait()
        for _ in range(pod_templates.LARGE_AT_ONCE):
            assert await others.enter_async_context(pods.whole(harness.cluster, TemplateVersionView.of(large)))
    assert harness.names("pods") == []
    goes_on.set()
    await starting
    assert harness.names("pods") == ["web-1"]
