"""Threads of which each namespace has a share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from taskyard.notifier.shared_threads import NAMESPACE, SHARE, SharedThreads, may_begin


@pytest.mark.parametrize(
    ("used", "free", "expected"),
    [
        pytest.param(0, 80, True, id="the first of all"),
        pytest.param(SHARE - 1, 73, True, id="the last of a share"),
        pytest.param(SHARE, 72, False, id="a share is used"),
        pytest.param(3, 32, True, id="few are free"),
        pytest.param(4, 32, False, id="few are free, and it has some"),
        pytest.param(0, 1, True, id="the last one, for one that has none"),
        pytest.param(1, 1, False, id="the last one, for one that has one"),
        pytest.param(0, 0, False, id="none is free"),
    ],
)
def test_the_fewer_are_free_the_fewer_may_a_namespace_have(used: int, free: int, expected: bool) -> None:
    assert may_begin(used=used, free=free) is expected


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hangs waits for it."""
    found = threading.Event()
    yield found
    found.set()


async def begun(threads: SharedThreads, namespace: str, gate: threading.Event) -> Future[bool]:
    NAMESPACE.set(namespace)
    await threads.wait()
    return threads.begin(gate.wait, 30)


async def test_a_namespace_whose_servers_hang_leaves_the_others_theirs(gate: threading.Event) -> None:
    threads = SharedThreads(20, prefix="test")
    hanging = [asyncio.create_task(begun(threads, "bad", gate)) for _ in range(50)]
    worse = [asyncio.create_task(begun(threads, "worse", gate)) for _ in range(50)]
    await asyncio.sleep(0.05)
    assert sum(each.done() for each in (*hanging, *worse)) < 10

    async def quick(namespace: str) -> str:
        NAMESPACE.set(namespace)
        return await threads.run(NAMESPACE.get)

    async with asyncio.timeout(5):
        found = await asyncio.gather(*(quick(f"n{number}") for number in range(40)))
    assert found == [f"n{number}" for number in range(40)], "the thread knows its namespace"
    gate.set()
    async with asyncio.timeout(20):
        await asyncio.gather(*hanging, *worse)
    threads.close()


async def test_a_thread_counts_until_it_ends_whoever_has_gone_away(gate: threading.Event) -> None:
    threads = SharedThreads(80, prefix="test")
    NAMESPACE.set("bad")
    waiting = [asyncio.create_task(threads.run(gate.wait, 30)) for _ in range(SHARE)]
    await asyncio.sleep(0.05)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await threads.wait()
    gate.set()
    async with asyncio.timeout(5):
        await threads.wait()
    threads.close()


async def test_what_is_raised_in_the_thread_is_raised() -> None:
    threads = SharedThreads(4, prefix="test")

    def fail() -> None:
        raise OSError("no such host")

    for _ in range(10):
        with pytest.raises(OSError, match="no such host"):
            await threads.run(fail)
    threads.close()
