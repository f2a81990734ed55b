"""Calls to sidecars are limited: a few per Pod, some more in total, and a bounded number may wait."""

import asyncio

import pytest

from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.access.agent_concurrency import AgentConcurrency


class Calls:
    """Calls that last until they are released, and how many ran at the same time."""

    def __init__(self, turns: AgentConcurrency) -> None:
        self._turns = turns
        self._ended = asyncio.Event()
        self.now = self.most = 0

    async def call(self, pod: str) -> int:
        """200, or the status of the refusal."""
        try:
            async with self._turns.of(pod):
                self.now += 1
                self.most = max(self.most, self.now)
                await self._ended.wait()
                self.now -= 1
        except HttpError as error:
            assert error.retry_after
            return error.status
        return 200

    async def begin(self, *pods: str) -> list[asyncio.Task[int]]:
        begun = [asyncio.create_task(self.call(pod)) for pod in pods]
        for _ in range(10):
            await asyncio.sleep(0)
        return begun

    def end(self) -> None:
        self._ended.set()


async def test_a_pod_is_called_by_few_at_a_time_and_the_others_follow() -> None:
    turns = AgentConcurrency(each=2, in_all=10, waiting=10, patience=30)
    calls = Calls(turns)
    begun = await calls.begin(*["a"] * 6)
    assert calls.now == 2
    calls.end()
    assert await asyncio.gather(*begun) == [200] * 6
    assert calls.most == 2
    assert len(turns) == 0


async def test_a_pod_that_is_slow_leaves_turns_for_others() -> None:
    calls = Calls(AgentConcurrency(each=2, in_all=10, waiting=10, patience=30))
    begun = await calls.begin("slow", "slow", "slow", "other")
    assert calls.now == 3
    calls.end()
    await asyncio.gather(*begun)


async def test_more_than_may_wait_are_refused_at_once() -> None:
    turns = AgentConcurrency(each=1, in_all=10, waiting=2, patience=30)
    calls = Calls(turns)
    begun = await calls.begin(*["a"] * 5)
    assert [task.result() for task in begun if task.done()] == [429, 429]
    calls.end()
    assert sorted(await asyncio.gather(*begun)) == [200, 200, 200, 429, 429]


async def test_calls_to_all_pods_are_limited_and_a_call_that_waits_too_long_is_refused() -> None:
    turns = AgentConcurrency(each=2, in_all=3, waiting=2, patience=0.05)
    calls = Calls(turns)
    begun = await calls.begin("a", "b", "c", "d")
    assert calls.now == 3
    async with asyncio.timeout(10):
        assert await begun[3] == 503
    calls.end()
    assert await asyncio.gather(*begun[:3]) == [200] * 3
    assert len(turns) == 0


async def test_a_caller_who_leaves_gives_the_turn_back() -> None:
    turns = AgentConcurrency(each=1, in_all=1, waiting=5, patience=30)
    calls = Calls(turns)
    holding, waiting = await calls.begin("a", "a")
    for task in (waiting, holding):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(turns) == 0
    [after] = await calls.begin("a")
    assert not after.done()
    calls.end()
    assert await after == 200
