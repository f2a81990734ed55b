"""Answers that are cached for a while."""

from __future__ import annotations

import asyncio

import pytest

from taskyard.gateway.rest.access.ttl_cache import ENTRY_BYTES, TtlCache
from unit.virtual_time import in_no_time, now


class Asked:
    """A clock, and a source of answers that counts its calls."""

    def __init__(self, *, most: int = 10) -> None:
        self.now = 0.0
        self.count = 0
        self.recent: TtlCache[str, str] = TtlCache(seconds=10, most=most, monotonic=lambda: self.now)

    async def answer(self) -> str:
        await asyncio.sleep(0)
        self.count += 1
        return f"answer {self.count}"

    async def get(self, key: str) -> str:
        return await self.recent.get(key, self.answer)


async def test_an_answer_is_remembered_for_its_time() -> None:
    asked = Asked()
    assert await asked.get("a") == "answer 1"
    asked.now = 9.9
    assert await asked.get("a") == "answer 1"
    asked.now = 10
    assert await asked.get("a") == "answer 2"


async def test_concurrent_callers_for_the_same_key_share_one_call() -> None:
    asked = Asked()
    assert set(await asyncio.gather(*(asked.get("a") for _ in range(20)))) == {"answer 1"}


async def test_no_more_than_so_many_are_kept() -> None:
    asked = Asked(most=3)
    for key in "abcde":
        await asked.get(key)
    assert len(asked.recent) == 3
    assert await asked.get("e") == "answer 5"
    assert await asked.get("a") == "answer 6"


async def test_an_error_reaches_all_waiting_callers_and_is_not_cached() -> None:
    asked = Asked()

    async def fail() -> str:
        raise ValueError("no")

    for outcome in await asyncio.gather(*(asked.recent.get("a", fail) for _ in range(3)), return_exceptions=True):
        assert isinstance(outcome, ValueError)
    assert await asked.get("a") == "answer 1"


async def test_a_cancelled_caller_does_not_cancel_the_others() -> None:
    asked = Asked()
    first, second = asyncio.create_task(asked.get("a")), asyncio.create_task(asked.get("a"))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "answer 1"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_the_last_answer_is_known_when_it_is_old() -> None:
    asked = Asked(most=1)
    assert asked.recent.last("a") is None
    await asked.get("a")
    asked.now = 100
    assert asked.recent.last("a") == "answer 1"
    await asked.get("b")
    assert asked.recent.last("a") is None


async def test_a_fresh_answer_is_had_without_asking() -> None:
    asked = Asked()
    assert asked.recent.fresh("a") is None
    await asked.get("a")
    assert asked.recent.fresh("a") == "answer 1"
    asked.now = 10
    assert asked.recent.fresh("a") is None
    assert asked.count == 1


async def test_what_is_not_to_be_remembered_is_shared_while_it_is_asked_for() -> None:
    asked = Asked(most=0)
    assert set(await asyncio.gather(*(asked.get("a") for _ in range(5)))) == {"answer 1"}
    assert await asked.get("a") == "answer 2"
    assert len(asked.recent) == 0


def sized(asked: Asked, *, most_bytes: int = 10_000, grace: float = 0.0) -> TtlCache[str, str]:
    return TtlCache(
        seconds=10,
        most=1000,
        most_bytes=most_bytes,
        size=lambda key, value: len(key) + len(value),
        grace=grace,
        monotonic=lambda: asked.now,
    )


async def test_large_answers_are_bounded_by_their_bytes() -> None:
    asked = Asked()
    cache = sized(asked)
    for number in range(50):
        await cache.get(f"{number:03}" + "x" * 997, asked.answer)
    assert len(cache) == 7
    assert cache.bytes <= 10_000
    assert cache.fresh("049" + "x" * 997) == "answer 50"
    await cache.get("y" * 20_000, asked.answer)
    assert (len(cache), cache.bytes) == (0, 0)


async def test_an_answer_that_is_asked_for_again_is_counted_once() -> None:
    asked = Asked()
    cache = sized(asked)
    for _ in range(5):
        await cache.get("a", asked.answer)
        asked.now += 10
    assert (len(cache), cache.bytes) == (1, ENTRY_BYTES + len("a") + len("answer 5"))


async def test_what_has_expired_goes_with_the_next_answer() -> None:
    asked = Asked()
    cache = sized(asked, most_bytes=1 << 20, grace=5)
    for number in range(100):
        await cache.get(str(number), asked.answer)
    asked.now = 14.9
    await cache.get("new", asked.answer)
    assert (len(cache), cache.last("0")) == (101, "answer 1")
    asked.now = 15
    await cache.get("newer", asked.answer)
    assert (len(cache), cache.last("0")) == (2, None)


def test_what_has_expired_goes_although_nobody_asks_again() -> None:
    async def live() -> None:
        cache: TtlCache[str, str] = TtlCache(seconds=10, most=10, monotonic=now)

        async def answer() -> str:
            return "yes"

        await cache.get("a", answer)
        await asyncio.sleep(6)
        await cache.get("b", answer)
        await asyncio.sleep(5)
        assert len(cache) == 1
        await asyncio.sleep(10)
        assert (len(cache), cache.bytes) == (0, 0)

    in_no_time(live())
