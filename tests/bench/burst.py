"""Many Tasks at once: by a bare client that writes all of their objects itself, or started by the operator."""

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
    pods: set[str] = set()
    every = asyncio.Event()
    last = 0.0

    def seen(pod: str, at: float) -> None:
        nonlocal last
        if pod.startswith(f"{prefix}-"):
            pods.add(pod)
            last = at
        if len(pods) == count:
            every.set()

    async def one(name: str) -> None:
        await client.request("POST", specimen.path("tasks"), _body(specimen.new_task(name)))

    async with client.added(f"{specimen.path('pods')}?labelSelector=taskyard.dev%2Ftask", seen):
        began = time.perf_counter()
        await _all(one, prefix, count)
        try:
            async with asyncio.timeout(PODS_WITHIN):
                await every.wait()
        except TimeoutError:
            raise AssertionError(f"{len(pods)} of {count} Tasks had a Pod within {PODS_WITHIN:.0f} s") from None
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
