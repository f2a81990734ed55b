"""Many objects at once, until each has its Pod: by a bare client that writes all of them itself, or by a controller."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator

from bench.asyncclient import CONNECTIONS, MERGE_PATCH, AsyncClient
from bench.specimen import Specimen

PODS_WITHIN = 150.0


async def bare(client: AsyncClient, specimen: Specimen, prefix: str, count: int) -> float:
    """The seconds in which a bare client writes Task, status, build and Pod of so many Tasks."""

    async def one(name: str) -> None:
        task = specimen.path("tasks")
        created = json.loads(await client.request("POST", task, _body(specimen.new_task(name))))
        uid = created["metadata"]["uid"]
        await client.request("PATCH", f"{task}/{name}/status", _body(specimen.new_status(name)), MERGE_PATCH)
        await client.request("POST", specimen.path("workspacebuilds"), _body(specimen.new_build(name, uid)))
        await client.request("POST", specimen.path("pods"), _body(specimen.new_pod(name, uid)))

    began = time.perf_counter()
    await _all(one, prefix, count)
    return time.perf_counter() - began


async def started(client: AsyncClient, specimen: Specimen, prefix: str, count: int) -> float:
    """The seconds from the first creation of so many Tasks until each has its Pod, which the operator creates."""

    async def create(name: str) -> None:
        await client.request("POST", specimen.path("tasks"), _body(specimen.new_task(name)))

    pods = f"{specimen.path('pods')}?labelSelector=taskyard.dev%2Ftask"
    return await until_pods(client, pods, create, prefix, count)


async def until_pods(
    client: AsyncClient, pods: str, create: Callable[[str], Awaitable[None]], prefix: str, count: int
) -> float:
    """The seconds from the first of so many calls of `create`, each with a name `<prefix>-<number>`, until as many Pods
    whose names start so have been heard of. `pods` is the path of a list of them, with a query."""
    heard: set[str] = set()
    every = asyncio.Event()
    last = 0.0

    def seen(pod: str, at: float) -> None:
        nonlocal last
        if pod.startswith(f"{prefix}-"):
            heard.add(pod)
            last = at
        if len(heard) == count:
            every.set()

    async with client.added(pods, seen):
        began = time.perf_counter()
        await _all(create, prefix, count)
        try:
            async with asyncio.timeout(PODS_WITHIN):
                await every.wait()
        except TimeoutError:
            raise AssertionError(f"{len(heard)} of {count} objects had a Pod within {PODS_WITHIN:.0f} s") from None
    return last - began


async def _all(one: Callable[[str], Awaitable[None]], prefix: str, count: int) -> None:
    names = (f"{prefix}-{number}" for number in range(count))

    async def work(names: Iterator[str]) -> None:
        for name in names:
            await one(name)

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(work(names))


def _body(manifest: object) -> bytes:
    return json.dumps(manifest).encode()
