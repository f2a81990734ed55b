"""Token reviews are limited for each caller and in total."""

import pytest

from taskyard.core.tokenbucket import Rate
from taskyard.gateway.review_limit import ReviewLimit

EACH, ALL = Rate(1, 2), Rate(100, 100)


def limit(*, each: Rate = EACH, all_together: Rate = ALL, callers: int = 10) -> ReviewLimit:
    return ReviewLimit(each=each, all_together=all_together, callers=callers, now=0)


def test_a_burst_passes_and_then_the_caller_waits() -> None:
    reviews = limit()
    assert [reviews.take("a", 0) for _ in range(3)] == [0, 0, 1]


def test_after_the_wait_that_was_named_it_passes() -> None:
    reviews = limit(each=Rate(0.25, 1))
    assert reviews.take("a", 0) == 0
    wait = reviews.take("a", 1)
    assert wait == pytest.approx(3)
    assert reviews.take("a", 1 + wait) == 0


def test_one_callers_flood_takes_nothing_from_another() -> None:
    reviews = limit(all_together=Rate(1, 5))
    for _ in range(100):
        reviews.take("flood", 0)
    assert reviews.take("other", 0) == 0


def test_all_together_have_a_limit_too() -> None:
    reviews = limit(all_together=Rate(1, 3))
    assert [bool(reviews.take(str(number), 0)) for number in range(5)] == [False, False, False, True, True]


def test_a_pause_fills_no_more_than_the_burst() -> None:
    reviews = limit()
    assert [bool(reviews.take("a", 1000)) for _ in range(3)] == [False, False, True]


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    reviews = limit(each=Rate(1, 1))
    assert reviews.take("a", 10) == 0
    assert reviews.take("a", 5) > 0
    assert reviews.take("a", 10) > 0


def test_callers_that_came_long_ago_are_forgotten() -> None:
    reviews = limit(each=Rate(0.001, 1), callers=2)
    assert reviews.take("a", 0) == 0
    assert reviews.take("a", 0) > 0
    reviews.take("b", 0)
    reviews.take("c", 0)
    assert reviews.take("a", 0) == 0


def test_what_was_valid_before_is_bounded_by_what_all_have_alone() -> None:
    reviews = limit(all_together=Rate(1, 5))
    assert [reviews.take_from_all(0) for _ in range(5)] == [0] * 5
    assert reviews.take_from_all(0) == 1
    assert reviews.take("a", 0) == 1
    assert reviews.take("a", 1) == 0
