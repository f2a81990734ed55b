"""When each of many may go on."""

from __future__ import annotations

import pytest

from taskyard.core.pace import Pace
from taskyard.core.tokenbucket import Rate

RATE = Rate(per_second=10, burst=5)


def test_a_burst_goes_on_at_once_and_the_rest_at_the_pace() -> None:
    pace = Pace(RATE)
    assert [round(pace.turn(100.0) - 100, 6) for _ in range(8)] == [0, 0, 0, 0, 0, 0.1, 0.2, 0.3]


def test_several_turns_are_taken_together() -> None:
    pace = Pace(RATE)
    assert [pytest.approx(pace.turn(100.0, 5) - 100) for _ in range(3)] == [0, 0.5, 1.0]


def test_after_a_rest_there_is_a_burst_again_and_no_more() -> None:
    pace = Pace(RATE)
    for _ in range(5):
        pace.turn(100.0)
    assert not pace.is_idle(100.4)
    assert pace.is_idle(100.5)
    assert [round(pace.turn(200.0) - 200, 6) for _ in range(6)] == [0, 0, 0, 0, 0, 0.1]


def test_thousands_that_wait_have_a_moment_each() -> None:
    pace = Pace(RATE)
    moments = [pace.turn(0.0) for _ in range(3000)]
    assert moments == sorted(moments)
    assert moments[-1] == pytest.approx(299.5)


def test_turns_that_are_given_back_can_be_taken_again_and_are_no_more_than_a_burst() -> None:
    pace = Pace(RATE)
    assert pace.turn(100.0, 15) == pytest.approx(101.0)
    pace.give_back(12)
    assert pace.turn(100.0, 2) == 100.0
    pace.give_back(5)
    assert [round(pace.turn(200.0) - 200, 6) for _ in range(6)] == [0, 0, 0, 0, 0, 0.1]


def test_no_turns_are_due_when_those_that_were_taken_are_used() -> None:
    pace = Pace(RATE)
    assert pace.due(100.0, 0) == 100.0
    pace.turn(100.0, 5)
    assert pace.due(100.0, 0) == 100.0
    pace.turn(100.0, 5)
    assert pace.due(100.0, 0) == pytest.approx(100.5)
    assert pace.due(100.0, 0) == pytest.approx(100.5), "it takes no turn"
    assert pace.due(100.4, 0) == pytest.approx(100.5)
    assert pace.due(200.0, 0) == 200.0
