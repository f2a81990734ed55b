"""The queue of keys, with a real loop and short times."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from taskyard.controller import queue as queue_module
from taskyard.controller.cluster import NotLeadingError
from taskyard.controller.queue import KeyedQueue
from taskyard.core.tokenbucket import Rate
from taskyard.election.write_budget import WriteBudget
from taskyard.watchcache.kind import Key
from unit.controller.fakes import api_error, until
from unit.virtual_time import gaps, in_no_time, now

A, B = ("team", "a"), ("team", "b")


class Work:
    """Work that waits until it is released, and records which keys were worked on concurrently."""

    def __init__(self) -> None:
        self.begun: list[Key] = []
        self.ended: list[Key] = []
        self.at_work: list[Key] = []
        self.together = 0
        self.twice = False
        self.gate = asyncio.Event()
        self.faults: list[Exception] = []

    async def __call__(self, key: Key) -> None:
        self.twice = self.twice or key in self.at_work
        self.at_work.append(key)
        self.begun.append(key)
        self.together = max(self.together, len(self.at_work))
        try:
            await self.gate.wait()
            if self.faults:
                raise self.faults.pop(0)
        finally:
            self.at_work.remove(key)
            self.ended.append(key)


@asynccontextmanager
async def running(
    work: Callable[[Key], Awaitable[None]], *, workers: int = 4, share: int | None = None
) -> AsyncIterator[KeyedQueue]:
    queue = KeyedQueue("task", workers=workers, share=share)
    task = asyncio.create_task(queue.run(work))
    try:
        yield queue
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.fixture
def short_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "RETRY_FIRST_SECONDS", 0.01)


async def test_many_additions_are_one_look() -> None:
    work = Work()
    queue = KeyedQueue("task", workers=4)
    for _ in range(5):
        queue.add(A)
    queue.add(B)
    assert len(queue) == 2
    work.gate.set()
    task = asyncio.create_task(queue.run(work))
    await until(lambda: len(work.ended) == 2)
    await asyncio.sleep(0.02)
    task.cancel()
    assert sorted(work.ended) == [A, B]
    assert len(queue) == 0


async def test_keys_are_worked_on_side_by_side_up_to_the_number_of_workers() -> None:
    work = Work()
    async with running(work, workers=2) as queue:
        for name in "abc":
            queue.add(("team", name))
        await until(lambda: len(work.begun) == 2)
        await asyncio.sleep(0.02)
        assert work.together == 2
        work.gate.set()
        await until(lambda: len(work.ended) == 3)
    assert work.together == 2


async def test_a_key_that_is_added_while_it_is_worked_on_comes_once_more_afterwards() -> None:
    work = Work()
    async with running(work) as queue:
        queue.add(A)
        await until(lambda: work.begun == [A])
        for _ in range(3):
            queue.add(A)
        await asyncio.sleep(0.02)
        assert work.begun == [A], "never twice at a time"
        assert len(queue) == 1
        work.gate.set()
        await until(lambda: work.ended == [A, A])
        await asyncio.sleep(0.02)
    assert work.ended == [A, A]
    assert not work.twice


async def test_one_key_does_not_hold_up_another() -> None:
    done: list[Key] = []

    async def work(key: Key) -> None:
        if key == A:
            await asyncio.Event().wait()
        done.append(key)

    async with running(work, workers=2) as queue:
        queue.add(A)
        queue.add(B)
        await until(lambda: done == [B])


async def test_a_fault_is_one_line_and_the_key_comes_again(
    short_retries: None, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()
    work.faults = [api_error(500, message="etcd is away")]
    work.gate.set()
    async with running(work) as queue:
        queue.add(A)
        await until(lambda: work.ended == [A, A])
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.exc_info is None
    assert record.getMessage().startswith("task team/a: TEST /x: etcd is away; retrying in 0.0 s")


async def test_a_defect_is_logged_with_its_trace_and_the_key_comes_again(
    short_retries: None, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()
    work.faults = [ZeroDivisionError("oh")]
    work.gate.set()
    async with running(work) as queue:
        queue.add(A)
        await until(lambda: work.ended == [A, A])
    assert [record.getMessage() for record in caplog.records if record.exc_info] == ["task team/a: defect"]


async def test_retries_have_a_growing_delay_that_a_success_resets(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_module, "RETRY_FIRST_SECONDS", 0.01)
    monkeypatch.setattr(queue_module, "MAX_RETRY_SECONDS", 0.05)
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    work = Work()
    delays: list[float] = []
    work.faults = [api_error(500) for _ in range(5)]
    work.gate.set()
    async with running(work) as queue:
        later = queue.add_after
        monkeypatch.setattr(queue, "add_after", lambda key, seconds: (delays.append(seconds), later(key, seconds)))
        queue.add(A)
        await until(lambda: len(work.ended) == 6)
        assert delays == pytest.approx([0.01, 0.02, 0.04, 0.05, 0.05])
        work.faults = [api_error(500)]
        queue.add(A)
        await until(lambda: len(work.ended) == 8)
    assert delays[5:] == pytest.approx([0.01])


@pytest.mark.parametrize(
    "fault", [pytest.param(lambda: api_error(500), id="a fault"), pytest.param(ZeroDivisionError, id="a defect")]
)
def test_a_key_that_fails_two_thousand_times_is_retried_once_a_minute_and_ends_no_queue(
    fault: Callable[[], Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)

    async def live() -> None:
        tries: list[float] = []
        done = {A: asyncio.Event(), B: asyncio.Event()}

        async def work(key: Key) -> None:
            if key == A:
                tries.append(now())
                if len(tries) <= 2000:
                    raise fault()
            done[key].set()

        queue = KeyedQueue("task", workers=1)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(queue.run(work))
            queue.add(A)
            await done[A].wait()
            queue.add(B)
            await done[B].wait()
            running.cancel()
        assert len(tries) == 2001
        assert gaps(tries)[:2] == pytest.approx([0.2, 0.4])
        assert gaps(tries)[-1] == pytest.approx(60.0)

    in_no_time(live())


async def test_a_key_that_was_changed_meanwhile_does_not_wait_for_its_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "RETRY_FIRST_SECONDS", 30.0)
    work = Work()
    work.faults = [api_error(500)]
    async with running(work) as queue:
        queue.add(A)
        await until(lambda: work.begun == [A])
        queue.add(A)
        work.gate.set()
        await until(lambda: work.ended == [A, A])


async def test_a_namespace_has_its_share_of_the_workers_and_others_have_the_rest() -> None:
    work = Work()
    async with running(work, workers=4, share=3) as queue:
        crowd = [("crowd", str(number)) for number in range(10)]
        for key in crowd:
            queue.add(key)
        await until(lambda: len(work.begun) == 3)
        await asyncio.sleep(0.02)
        assert work.begun == crowd[:3], "a worker is left, which takes none of them"
        assert len(queue) == 7
        queue.add(A)
        await until(lambda: A in work.begun)
        work.gate.set()
        await until(lambda: len(work.ended) == 11)
    assert [key for key in work.begun if key != A] == crowd, "in their order"


async def test_only_a_share_of_a_crowd_is_ahead_of_another_namespace() -> None:
    work = Work()
    work.gate.set()
    queue = KeyedQueue("task", workers=1, share=2)
    for number in range(100):
        queue.add(("crowd", str(number)))
    queue.add(A)
    task = asyncio.create_task(queue.run(work))
    await until(lambda: len(work.ended) == 101)
    assert work.begun.index(A) == 2
    assert queue.age == 0.0
    task.cancel()


async def test_a_share_is_given_back_also_after_a_failure() -> None:
    work = Work()
    work.gate.set()
    async with running(work, workers=2, share=1) as queue:
        work.faults = [api_error(500), ValueError("a defect")]
        for number in range(4):
            queue.add(("crowd", str(number)))
        await until(lambda: len(work.ended) >= 4)
        queue.add(A)
        queue.add(("crowd", "late"))
        await until(lambda: {A, ("crowd", "late")} <= set(work.ended))


async def test_a_key_that_is_added_again_and_again_lets_others_of_its_namespace_pass() -> None:
    work = Work()
    async with running(work, workers=2, share=1) as queue:
        queue.add(A)
        await until(lambda: work.begun == [A])
        queue.add(B)
        queue.add(A)
        work.gate.set()
        await until(lambda: len(work.ended) == 3)
    assert work.begun == [A, B, A]


async def test_later_is_later() -> None:
    work = Work()
    work.gate.set()
    async with running(work) as queue:
        queue.add_after(A, 0.3)
        await asyncio.sleep(0.02)
        assert work.begun == []
        await until(lambda: work.ended == [A])


@pytest.mark.parametrize(
    "delays",
    [pytest.param((30.0, 0.01), id="the second is earlier"), pytest.param((0.01, 30.0), id="the first is earlier")],
)
async def test_the_earlier_of_two_times_counts(delays: tuple[float, float]) -> None:
    work = Work()
    work.gate.set()
    async with running(work) as queue:
        for delay in delays:
            queue.add_after(A, delay)
        await until(lambda: work.ended == [A], seconds=1.0)
        await asyncio.sleep(0.03)
    assert work.ended == [A]


async def test_a_time_that_has_passed_is_now() -> None:
    work = Work()
    work.gate.set()
    async with running(work) as queue:
        queue.add_after(A, -5.0)
        await until(lambda: work.ended == [A], seconds=1.0)


async def test_it_works_until_it_is_cancelled() -> None:
    work = Work()
    queue = KeyedQueue("task", workers=2)
    task = asyncio.create_task(queue.run(work))
    queue.add(A)
    await until(lambda: work.begun == [A])
    task.cancel()
    await asyncio.wait({task}, timeout=1.0)
    assert task.cancelled()
    assert work.ended == [A]


async def test_it_ends_when_the_lease_is_lost() -> None:
    work = Work()
    work.faults.append(NotLeadingError("lease x", "lost"))
    work.gate.set()
    queue = KeyedQueue("task", workers=2)
    queue.add(A)
    with pytest.raises(ExceptionGroup) as ended:
        async with asyncio.timeout(2):
            await queue.run(work)
    assert ended.value.subgroup(NotLeadingError) is not None


async def test_news_comes_before_what_a_start_has_to_look_at_and_starves_nothing() -> None:
    order: list[Key] = []

    async def note(key: Key) -> None:
        order.append(key)

    queue = KeyedQueue("task", workers=1, share=1)
    old = [("team", f"old-{number}") for number in range(100)]
    new = [("team", f"new-{number}") for number in range(20)]
    for key in old:
        queue.add(key)
    for key in new:
        queue.add(key, news=True)
    queue.add(old[99], news=True)
    task = asyncio.create_task(queue.run(note))
    await until(lambda: len(order) == 120)
    task.cancel()
    await asyncio.wait({task})
    assert max(order.index(key) for key in [*new, old[99]]) < 30
    assert [key for key in order if key in new] == new
    assert order[:10].count(old[1]) == 1, "of five keys one is an old one"
    assert len(set(order)) == len(order), "each once"


async def test_news_of_a_key_that_is_worked_on_is_news_still_when_its_turn_comes() -> None:
    """It does not go to the end of all that a start has to look at."""
    work = Work()
    async with running(work, workers=1, share=1) as queue:
        queue.add(A)
        await until(lambda: work.begun == [A])
        for number in range(20):
            queue.add(("team", f"other-{number}"))
        queue.add(A, news=True)
        queue.add(A)
        work.gate.set()
        await until(lambda: work.begun.count(A) == 2)
    assert work.begun.index(A, 1) <= 2


class Paced:
    """Work that writes an object of 100 KB twice; the namespace "full" has used up its share for five seconds."""

    def __init__(self) -> None:
        self.budget = WriteBudget(clock=now, share=Rate(per_second=1_000_000, burst=100_000))
        self.ended: list[tuple[float, Key]] = []
        self.at_work = self.together = 0
        self.began = now()
        for _ in range(51):
            self.budget.turn("full", "tasks", size=100_000)

    async def __call__(self, key: Key) -> None:
        self.at_work += 1
        self.together = max(self.together, self.at_work)
        for _ in range(2):
            await asyncio.sleep(self.budget.turn(key[0], "tasks", size=100_000 if key[0] == "full" else 100).seconds)
            await asyncio.sleep(0.001)
        self.at_work -= 1
        self.ended.append((now() - self.began, key))


def test_keys_whose_writes_would_have_to_wait_keep_no_worker_from_others() -> None:
    """Also if the namespace may have all workers, as it may of few."""

    async def work() -> None:
        paced = Paced()
        queue = KeyedQueue("task", workers=2, pause=paced.budget.pause)
        full, team = [("full", str(n)) for n in range(30)], [("team", str(n)) for n in range(20)]
        for key in [*full, *team]:
            queue.add(key)
        running = asyncio.create_task(queue.run(paced))
        await until_ended(paced, team)
        assert max(seconds for seconds, _ in paced.ended) < 1
        await until_ended(paced, full)
        running.cancel()
        assert [key for _, key in paced.ended if key in full] == full, "in their order"
        assert len(queue) == 0
        first, last = (seconds for seconds, key in paced.ended if key in (full[0], full[-1]))
        assert 5 <= first < 5.5
        assert 30 * 0.2 * 0.9 < last - first < 30 * 0.2 * 1.2, "at the pace of their share, as before"

    in_no_time(work())


def test_many_namespaces_that_have_used_up_their_share_leave_workers_to_another_one() -> None:
    async def work() -> None:
        paced = Paced()
        crowds = [f"full-{n}" for n in range(20)]
        for crowd in crowds:
            for _ in range(51):
                paced.budget.turn(crowd, "tasks", size=100_000)
        queue = KeyedQueue("task", workers=8, share=4, pause=paced.budget.pause)
        for crowd in crowds:
            for n in range(30):
                queue.add((crowd, str(n)))
        running = asyncio.create_task(queue.run(paced))
        await asyncio.sleep(2)
        queue.add(A)
        await until_ended(paced, [A])
        assert now() - paced.began < 2.1
        assert paced.together == 1
        running.cancel()

    in_no_time(work())


async def until_ended(paced: Paced, keys: list[Key]) -> None:
    while not set(keys) <= {key for _, key in paced.ended}:
        assert now() - paced.began < 60
        await asyncio.sleep(0.01)
