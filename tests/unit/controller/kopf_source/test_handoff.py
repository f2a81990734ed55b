"""Events cross over from kopf's thread in order, and those that come together in one go."""

from __future__ import annotations

import asyncio
import threading

import pytest

from taskyard.controller.kopf_source.handoff import Handoff
from unit.controller.fakes import until


async def test_events_arrive_in_the_loop_in_their_order() -> None:
    taken: list[tuple[int, threading.Thread]] = []
    handoff = Handoff(asyncio.get_running_loop(), lambda number: taken.append((number, threading.current_thread())))

    def produce() -> None:
        for number in range(1000):
            handoff.add(number)

    await asyncio.to_thread(produce)
    await until(lambda: len(taken) == 1000)
    assert taken == [(number, threading.current_thread()) for number in range(1000)]


async def test_a_busy_loop_is_woken_once() -> None:
    loop, taken = asyncio.get_running_loop(), list[int]()
    handoff = Handoff(loop, taken.append)
    woken = 0
    call_soon = loop.call_soon_threadsafe

    def count(*arguments: object) -> object:
        nonlocal woken
        woken += 1
        return call_soon(*arguments)

    loop.call_soon_threadsafe = count  # type: ignore[method-assign,assignment]
    for number in range(50):
        handoff.add(number)
    await until(lambda: len(taken) == 50)
    assert woken == 1
    handoff.add(50)
    await until(lambda: len(taken) == 51)


async def test_nothing_arrives_after_its_end() -> None:
    taken: list[int] = []
    handoff = Handoff(asyncio.get_running_loop(), taken.append)
    handoff.add(1)
    handoff.close()
    handoff.add(2)
    await asyncio.sleep(0.01)
    assert taken == []


async def test_a_defect_in_taking_one_event_loses_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """Those that came together with it would be missing until the next list."""
    taken: list[int] = []

    def take(number: int) -> None:
        if number == 1:
            raise TypeError("odd")
        taken.append(number)

    handoff = Handoff(asyncio.get_running_loop(), take)
    for number in range(5):
        handoff.add(number)
    await until(lambda: len(taken) == 4)
    assert taken == [0, 2, 3, 4]
    (record,) = caplog.records
    assert record.exc_info is not None
