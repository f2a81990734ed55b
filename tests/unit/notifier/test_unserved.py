"""Sinks that are not served cost nothing but their condition, however many there are."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

from taskyard.core.resources import NOTIFICATION_SINKS
from taskyard.limits import MAX_SINKS
from taskyard.notifier.cluster import ApiError
from taskyard.notifier.sink_worker import SinkWorker
from unit.notifier.telling import Telling, sink_manifest
from unit.virtual_time import in_no_time

FORBIDDEN = ApiError("PATCH", "a policy forbids it", status=403)


def write(telling: Telling, number: int) -> None:
    telling.write(NOTIFICATION_SINKS, sink_manifest(f"s{number:04}", second=number - 10_000))


def workers() -> int:
    return sum(isinstance(each, SinkWorker) for each in gc.get_objects())


@pytest.mark.parametrize("is_begun", [True, False])
def test_an_unserved_sink_has_a_condition_and_no_worker(is_begun: bool) -> None:
    """Whether the notifier finds it at its start, or it comes later."""

    async def work() -> None:
        gc.collect()
        before, telling = workers(), Telling()
        if is_begun:
            telling.begin()
        for number in range(MAX_SINKS + 30):
            write(telling, number)
        if not is_begun:
            telling.begin()
        await asyncio.sleep(60)
        assert workers() - before == MAX_SINKS
        for number in range(MAX_SINKS + 30):
            expected = ("True", "Configured") if number < MAX_SINKS else ("False", "TooManySinks")
            assert telling.ready(f"s{number:04}") == expected
        written = len(telling.cluster.writes)
        assert written == MAX_SINKS + 30
        await asyncio.sleep(3600)
        assert len(telling.cluster.writes) == written
        assert len(asyncio.all_tasks()) == 1, "nobody works on them"

    in_no_time(work())


def test_what_a_thousand_sinks_cost_does_not_grow_with_their_number() -> None:
    """Each is seen twice: when it comes, and when its condition was written."""

    def seconds(number: int) -> float:
        async def work() -> None:
            telling = Telling()
            telling.begin()
            for each in range(number):
                write(telling, each)
            await asyncio.sleep(3600)
            assert telling.ready(f"s{number - 1:04}") == ("False", "TooManySinks")

        began = time.process_time()
        in_no_time(work())
        return time.process_time() - began

    seconds(50)
    few, many = seconds(250), seconds(2000)
    # Eight times as many. With a look at all for each of them it would be sixty-four times.
    assert many < 20 * few, (few, many)


def test_a_sink_that_loses_its_place_to_an_older_one_is_told_so_and_one_that_gets_it_is_served() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        for number in range(1, MAX_SINKS + 1):
            write(telling, number)
        await asyncio.sleep(1)
        assert telling.ready("s0008") == ("True", "Configured")
        write(telling, 0)
        await asyncio.sleep(1)
        assert telling.ready("s0008") == ("False", "TooManySinks")
        telling.remove(NOTIFICATION_SINKS, "s0003")
        await asyncio.sleep(1)
        assert telling.ready("s0008") == ("True", "Configured")

    in_no_time(work())


def test_a_condition_that_cannot_be_written_is_written_later_and_holds_up_no_other() -> None:
    async def work() -> None:
        telling = Telling()
        telling.begin()
        for number in range(MAX_SINKS):
            write(telling, number)
        await asyncio.sleep(1)
        telling.cluster.failures = [FORBIDDEN, FORBIDDEN]
        for number in range(MAX_SINKS, MAX_SINKS + 3):
            write(telling, number)
        await asyncio.sleep(30)
        for number in range(MAX_SINKS, MAX_SINKS + 3):
            assert telling.ready(f"s{number:04}") == ("False", "TooManySinks")

    in_no_time(work())
