"""The operator's own writes of Tasks, by which their events are recognized."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from taskyard.controller.cache import own_writes
from taskyard.controller.cache.own_writes import OwnWrites
from unit.core.builders import TASK_UID, task


def test_exactly_the_state_that_was_written_last_is_recognized_once() -> None:
    written = OwnWrites()
    written.add(task(version=101))
    written.add(task(version=102))
    assert [written.take(TASK_UID, version) for version in ("101", "103", "102", "102")] == [False, False, True, False]
    assert not written.take("another", "102")


def test_of_events_that_never_come_the_oldest_are_forgotten() -> None:
    written = OwnWrites()
    for number in range(own_writes.MAX_REMEMBERED + 1):
        written.add(task(uid=f"uid-{number}"))
    assert not written.take("uid-0", "100")
    assert written.take(f"uid-{own_writes.MAX_REMEMBERED}", "100")


def test_two_threads_may_use_it() -> None:
    written = OwnWrites()

    def write(number: int) -> bool:
        written.add(task(uid=f"uid-{number}"))
        return written.take(f"uid-{number}", "100")

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(write, range(400)))
