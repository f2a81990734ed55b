"""Turns by the loop's clock."""

from __future__ import annotations

import asyncio

import pytest

from taskyard.controller.turns import Turns
from taskyard.core.tokenbucket import Rate
from taskyard.watchcache.kind import Key
from unit.virtual_time import in_no_time, now

RATE = Rate(per_second=10, burst=2)


class Come:
    """Records whose turn has come, and when."""

    def __init__(self) -> None:
        self.began = now()
        self.calls: list[tuple[float, Key]] = []

    def __call__(self, key: Key) -> None:
        self.calls.append((round(now() - self.began, 6), key))


def test_a_turn_that_is_free_is_had_at_once_and_others_come_by_themselves() -> None:
    async def work() -> None:
        come = Come()
        turns = Turns(RATE, come)
        assert [turns.ask(("a", str(number))) for number in range(4)] == [True, True, False, False]
        await asyncio.sleep(60)
        assert come.calls == [(0.1, ("a", "2")), (0.2, ("a", "3"))]

    in_no_time(work())


def test_a_turn_comes_no_sooner_than_it_is_asked_for() -> None:
    async def work() -> None:
        come = Come()
        turns = Turns(RATE, come)
        turns.ask(("a", "later"), 30)
        turns.ask(("b", "sooner"), 4)
        turns.ask(("a", "gone"), 5)
        turns.leave(("a", "gone"))
        await asyncio.sleep(60)
        assert come.calls == [(4, ("b", "sooner")), (30, ("a", "later"))]
        assert not [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]

    in_no_time(work())


@pytest.mark.parametrize("crowd", [100, 5000])
def test_a_crowd_that_asks_again_and_again_delays_no_other_namespace(crowd: int) -> None:
    async def work() -> None:
        come = Come()

        def again(key: Key) -> None:
            come(key)
            turns.ask(key, 4)

        turns = Turns(RATE, again)
        for number in range(crowd):
            turns.ask(("crowd", str(number)), 4)
        turns.ask(("quiet", "web"), 4)
        await asyncio.sleep(100)
        moments = [moment for moment, key in come.calls if key[0] == "quiet"]
        assert len(moments) >= 23, "every four seconds, and a turn of the crowd's between"
        assert len(come.calls) == pytest.approx(962, abs=2), "ten a second since the fourth"

    in_no_time(work())
