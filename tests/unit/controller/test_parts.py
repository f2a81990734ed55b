"""The operator's queues: none of them is one namespace's alone."""

from __future__ import annotations

import asyncio

import pytest

from taskyard.controller.parts import Queues
from taskyard.controller.queue import KeyedQueue
from taskyard.watchcache.kind import Key

QUEUES = sorted(name for name, found in vars(Queues(lambda namespace: 0.0)).items() if isinstance(found, KeyedQueue))


@pytest.mark.parametrize("name", QUEUES)
async def test_a_namespace_whose_work_hangs_leaves_workers_to_others(name: str) -> None:
    """A webhook or a policy server of the namespace may take half a minute for each call."""
    queue: KeyedQueue = getattr(Queues(lambda namespace: 0.0), name)
    is_done = asyncio.Event()

    async def work(key: Key) -> None:
        if key[0] == "full":
            await asyncio.Event().wait()
        is_done.set()

    for number in range(200):
        queue.add(("full", f"web-{number}"))
    queue.add(("team", "web"))
    running = asyncio.create_task(queue.run(work))
    try:
        async with asyncio.timeout(5):
            await is_done.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
