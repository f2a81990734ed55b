"""Open-loop arrivals: Tasks come at their own pace, however long the earlier ones take."""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass

from bench.asyncclient import AsyncClient
from bench.specimen import Specimen

DRAIN_SECONDS = 30.0


def moments(rate: float, seconds: float, *, seed: int) -> list[float]:
    """The seconds after which each Task of a window arrives: a Poisson process of `rate` a second, the same for a
    seed."""
    chance = random.Random(seed)
    found, at = [], chance.expovariate(rate)
    while at < seconds:
        found.append(at)
        at += chance.expovariate(rate)
    return found


@dataclass(frozen=True)
class Window:
    """The seconds from each Task's creation, as its client was told of it, until its Pod's was heard of; and how many
    Tasks had no Pod in time."""

    latencies: tuple[float, ...]
    missing: int


async def window(client: AsyncClient, specimen: Specimen, prefix: str, arriving: list[float]) -> Window:
    """Creates Tasks of a name prefix at these moments."""
    created: dict[str, float] = {}
    heard: dict[str, float] = {}
    every = asyncio.Event()
    names = [f"{prefix}-{number}" for number in range(len(arriving))]

    def seen(pod: str, at: float) -> None:
        heard[pod.rpartition("-")[0]] = at
        if len(heard) >= len(names) and heard.keys() >= set(names):
            every.set()

    async def create(name: str) -> None:
        await client.request("POST", specimen.path("tasks"), json.dumps(specimen.new_task(name)).encode())
        created[name] = time.perf_counter()

    async with client.added(f"{specimen.path('pods')}?labelSelector=taskyard.dev%2Ftask", seen):
        began = time.perf_counter()
        creating = []
        for name, at in zip(names, arriving, strict=True):
            await asyncio.sleep(max(0.0, began + at - time.perf_counter()))
            creating.append(asyncio.create_task(create(name)))
        await asyncio.gather(*creating)
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await every.wait()
        except TimeoutError:
            pass
    # The Pod may be heard of before the answer that its Task was created has arrived.
    latencies = tuple(max(0.0, heard[name] - created[name]) for name in names if name in heard)
    return Window(latencies, len(names) - len(latencies))
