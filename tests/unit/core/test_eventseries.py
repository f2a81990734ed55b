"""Repetitions are counted, floods are limited, memory is bounded."""

from __future__ import annotations

import pytest

from taskyard.core import eventseries
from taskyard.core.events import Event, Regarding
from taskyard.core.eventseries import EventSeries, Held, Series
from unit.core.builders import NOW, at


def take(log: EventSeries, note: str = "one", *, now: float = 0.0, task: str = "web") -> Series | Held:
    event = Event("Normal", "Active", "ChangePhase", note)
    return log.take(Regarding("team", task, f"uid-{task}"), event, name=f"{task}.{now}", at=at(now), now=now)


def told(found: Series | Held) -> Series:
    assert isinstance(found, Series)
    found.waits, found.written = False, found.count
    return found


def test_the_first_is_written() -> None:
    found = told(take(EventSeries()))
    assert (found.name, found.count, found.first_at) == ("web.0.0", 1, NOW)


def test_the_same_again_is_counted_under_the_first_ones_name() -> None:
    log = EventSeries()
    first = told(take(log))
    again = told(take(log, now=30))
    assert again is first
    assert (again.count, again.first_at, again.last_at) == (2, NOW, at(30))


def test_what_comes_while_a_write_waits_is_counted_by_it() -> None:
    log = EventSeries()
    first = take(log)
    assert take(log, now=1) is Held.COUNTED
    assert isinstance(first, Series) and first.count == 2


def test_after_a_while_it_is_written_again() -> None:
    log = EventSeries()
    first = told(take(log))
    later = told(take(log, now=eventseries.WINDOW_SECONDS))
    assert later is not first and later.count == 1


def test_another_note_is_another_event() -> None:
    log = EventSeries()
    assert told(take(log, "one")) is not told(take(log, "two"))


def test_a_task_that_floods_is_held_back_and_the_others_are_not() -> None:
    log = EventSeries()
    found = [take(log, f"note {number}") for number in range(100)]
    assert sum(isinstance(one, Series) for one in found) == eventseries.EACH_TASK.burst
    assert found[-1] is Held.LIMITED
    assert isinstance(take(log, task="other"), Series)
    assert isinstance(take(log, "much later", now=60), Series)


def test_a_series_that_is_held_back_keeps_its_count_for_the_next_write() -> None:
    log = EventSeries()
    for number in range(60):
        found = take(log, now=number / 100)
        if isinstance(found, Series):
            told(found)
    assert found is Held.COUNTED
    assert told(take(log, now=30)).count == 61


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eventseries, "REMEMBERED_EVENTS", 10)
    monkeypatch.setattr(eventseries, "REMEMBERED_TASKS", 10)
    log = EventSeries()
    for number in range(100):
        take(log, task=f"task-{number}")
    assert len(log) == 10
    assert len(log._buckets) == 10


def test_an_event_that_could_not_be_written_is_written_again() -> None:
    log = EventSeries()
    first = take(log)
    assert isinstance(first, Series)
    log.forget(first)
    assert told(take(log, now=1)).count == 1


def test_what_is_told_once_is_neither_repeated_nor_counted() -> None:
    log = EventSeries()

    def ask(now: float) -> Series | Held:
        event = Event("Normal", "InputRequired", "Ask", "One: abc", once=True)
        return log.take(Regarding("team", "web", "uid-web"), event, name="web.1", at=at(now), now=now)

    first = told(ask(0.0))
    assert [ask(now) for now in (1.0, eventseries.WINDOW_SECONDS + 1, 10 * eventseries.WINDOW_SECONDS)] == [
        Held.TOLD
    ] * 3
    assert first.count == 1
