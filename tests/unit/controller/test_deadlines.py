"""Deadlines under a clock that can be set, with timers that the test triggers; no real time passes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from taskyard.controller.deadlines import LOOK_SECONDS, MAX_STALE, Deadlines
from taskyard.watchcache.kind import Key
from unit.controller.fakes import until
from unit.core.builders import NOW, at

A, B, C = ("team", "a"), ("team", "b"), ("team", "c")
HOUR = 3600.0


@dataclass
class FakeTimer:
    """A call at a moment of monotonic time."""

    when: float
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Time:
    """A wall clock that can be set, and timers that do not notice it."""

    steady: float = 0.0
    wall: datetime = NOW
    timers: list[FakeTimer] = field(default_factory=list)
    wake_ups: int = 0
    due: list[tuple[Key, datetime]] = field(default_factory=list)

    def deadlines(self) -> Deadlines:
        return Deadlines(
            lambda key: self.due.append((key, self.wall)), clock=lambda: self.wall, call_later=self.call_later
        )

    def call_later(self, seconds: float, call: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(self.steady + seconds, call)
        self.timers.append(timer)
        return timer

    @property
    def waiting(self) -> list[FakeTimer]:
        return [timer for timer in self.timers if not timer.cancelled]

    def step(self, seconds: float) -> None:
        """Sets the wall clock, or simulates a suspended machine: no timer notices it."""
        self.wall += timedelta(seconds=seconds)

    def run(self, seconds: float) -> None:
        """Lets time pass, timer by timer."""
        end = self.steady + seconds
        while True:
            self.timers = self.waiting
            timer = min(self.timers, key=lambda timer: timer.when, default=None)
            if timer is None or timer.when > end:
                break
            self.timers.remove(timer)
            self._pass(timer.when - self.steady)
            self.wake_ups += 1
            timer.call()
        self._pass(end - self.steady)

    def _pass(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += timedelta(seconds=seconds)

    @property
    def keys(self) -> list[Key]:
        return [key for key, _ in self.due]


@pytest.fixture
def time() -> Time:
    return Time()


def test_each_key_comes_at_its_moment_once_and_in_their_order(time: Time) -> None:
    deadlines = time.deadlines()
    for key, seconds in ((B, 20), (A, 10), (C, 0)):
        deadlines.set(key, at(seconds))
    time.run(HOUR)
    assert time.due == [(C, at(0)), (A, at(10)), (B, at(20))]
    assert len(deadlines) == 0 and time.waiting == []


def test_a_moment_that_has_passed_comes_at_once(time: Time) -> None:
    time.deadlines().set(A, at(-HOUR))
    time.run(0)
    assert time.keys == [A]


@pytest.mark.parametrize("later", [pytest.param(50, id="later"), pytest.param(5, id="sooner")])
def test_the_last_moment_that_was_set_counts(time: Time, later: float) -> None:
    deadlines = time.deadlines()
    deadlines.set(A, at(10))
    deadlines.set(A, at(later))
    time.run(HOUR)
    assert time.due == [(A, at(later))]


def test_a_cancelled_deadline_does_not_fire(time: Time) -> None:
    deadlines = time.deadlines()
    deadlines.set(A, at(10))
    deadlines.set(A, None)
    deadlines.set(B, None)
    time.run(HOUR)
    assert (time.due, time.wake_ups) == ([], 0)


def test_a_key_may_be_set_again_when_its_deadline_has_passed(time: Time) -> None:
    deadlines = time.deadlines()
    for seconds in (10, 20, 10):
        deadlines.set(A, at(seconds))
    time.run(15)
    deadlines.set(A, at(30))
    time.run(HOUR)
    assert time.due == [(A, at(10)), (A, at(30))]


def test_ten_thousand_deadlines_cost_one_timer_and_one_look_a_minute(time: Time) -> None:
    """Eight hours in which the deadlines of 10,000 idle Tasks are spread over the last hour."""
    deadlines = time.deadlines()
    moments = {("team", f"task-{n}"): at(7 * HOUR + n % 3600) for n in range(10_000)}
    for key, moment in moments.items():
        deadlines.set(key, moment)
        assert len(time.waiting) == 1
    time.run(7 * HOUR - 1)
    assert time.due == []
    assert time.wake_ups <= 7 * HOUR / LOOK_SECONDS, "as many as for a single one"
    before = time.wake_ups
    time.run(HOUR + 1)
    assert dict(time.due) == moments, "each in time, to the microsecond"
    assert len(time.due) == 10_000
    assert time.wake_ups - before <= 3600, "one for each moment"
    assert time.waiting == []


def test_without_deadlines_nothing_wakes_up(time: Time) -> None:
    time.deadlines()
    time.run(24 * HOUR)
    assert time.wake_ups == 0


def test_deadlines_that_are_put_off_again_and_again_take_no_memory_and_no_wake_ups(time: Time) -> None:
    """Agents that alternate between work and rest all day: each rest moves the Task's deadline."""
    deadlines = time.deadlines()
    for turn in range(500):
        for n in range(20):
            deadlines.set(("team", f"task-{n}"), at(8 * HOUR + turn))
        time.run(1)
    assert len(deadlines) == 20
    assert len(deadlines._heap) <= 2 * 20 + MAX_STALE
    assert time.wake_ups <= 500 / LOOK_SECONDS
    assert time.due == []


@pytest.mark.parametrize(
    "step", [pytest.param(8 * HOUR, id="to the deadline"), pytest.param(30 * 24 * HOUR, id="far beyond it")]
)
def test_a_step_forward_past_a_deadline_is_noticed_within_a_minute(time: Time, step: float) -> None:
    deadlines = time.deadlines()
    for n in range(100):
        deadlines.set(("team", f"task-{n}"), at(8 * HOUR - n))
    time.run(HOUR)
    time.step(step)
    time.run(LOOK_SECONDS)
    assert len(time.due) == 100


def test_after_a_step_forward_what_is_still_to_come_comes_in_time(time: Time) -> None:
    deadlines = time.deadlines()
    deadlines.set(A, at(2 * HOUR))
    time.step(HOUR)
    time.run(HOUR - 1)
    assert time.due == []
    time.run(1)
    assert time.due == [(A, at(2 * HOUR))]


@pytest.mark.parametrize("after", [pytest.param(1.0, id="early"), pytest.param(HOUR - 1, id="shortly before")])
def test_a_step_back_makes_no_deadline_fire_early(time: Time, after: float) -> None:
    deadlines = time.deadlines()
    deadlines.set(A, at(HOUR))
    time.run(after)
    time.step(-24 * HOUR)
    time.run(25 * HOUR - after - 1)
    assert time.due == []
    time.run(1)
    assert time.due == [(A, at(HOUR))]


def test_a_slowed_clock_makes_no_deadline_fire_early(time: Time) -> None:
    deadlines = time.deadlines()
    deadlines.set(A, at(HOUR))
    for _ in range(1000):
        time.run(HOUR / 1000)
        time.step(-0.0018)
    assert time.due == []
    time.run(2)
    assert time.keys == [A]
    assert time.wake_ups < 200


async def test_the_timer_is_the_running_loops() -> None:
    due: list[Key] = []
    deadlines = Deadlines(due.append, clock=lambda: datetime.now(UTC))
    deadlines.set(A, datetime.now(UTC) + timedelta(seconds=0.02))
    deadlines.set(B, datetime.now(UTC) + timedelta(days=1))
    await asyncio.sleep(0)
    assert due == []
    await until(lambda: due == [A])
    deadlines.set(B, None)
