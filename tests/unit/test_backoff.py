"""Delays between tries: twice as long each time, bounded on both sides, for any number of failures."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from taskyard.backoff import Backoff, delay

FAILURES = st.integers(0, 10**6)
SECONDS = st.floats(0.001, 3600.0)
TIMES_LONGER = st.floats(1.0, 10**6)
JITTER = st.floats(0.0, 1.0)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0.2), (1, 0.4), (2, 0.8), (8, 51.2), (9, 60.0), (1023, 60.0), (1024, 60.0), (2000, 60.0), (10**6, 60.0)],
)
def test_a_delay_is_twice_the_one_before_up_to_the_longest(failures: int, seconds: float) -> None:
    assert delay(failures, first=0.2, longest=60.0) == pytest.approx(seconds)


@settings(deadline=None)  # the machine may be busy
@given(FAILURES, SECONDS, TIMES_LONGER)
def test_without_jitter_each_delay_follows_from_the_one_before(failures: int, first: float, times: float) -> None:
    longest = first * times
    assert delay(0, first=first, longest=longest) == first
    before, after = (delay(count, first=first, longest=longest) for count in (failures, failures + 1))
    assert first <= before <= after <= longest
    assert after == min(2 * before, longest)


@settings(deadline=None)  # the machine may be busy
@given(FAILURES, SECONDS, TIMES_LONGER, JITTER, st.randoms(use_true_random=False))
def test_chance_takes_off_no_more_than_the_jitter(
    failures: int, first: float, times: float, jitter: float, chance: random.Random
) -> None:
    longest = first * times
    whole = delay(failures, first=first, longest=longest)
    drawn = delay(failures, first=first, longest=longest, jitter=jitter, chance=chance)
    assert whole * (1 - jitter) <= drawn <= whole


def test_those_who_failed_together_do_not_come_again_together() -> None:
    delays = [delay(3, first=1.0, longest=60.0, jitter=0.5) for _ in range(100)]
    assert len(set(delays)) > 50
    assert all(4.0 <= seconds <= 8.0 for seconds in delays)


@settings(deadline=None)  # the machine may be busy
@given(st.integers(0), st.floats(0.0, allow_infinity=False), st.floats(0.0, allow_infinity=False))
@example(1024, 1.0, 1.0)
@example(10**400, 5e-324, 1e308)
def test_no_number_of_failures_and_no_length_is_too_much(failures: int, first: float, longest: float) -> None:
    assert 0.0 <= delay(failures, first=first, longest=longest, jitter=0.5) <= longest


@settings(deadline=None)  # the machine may be busy
@given(st.integers(0, 50), st.integers(1, 50), SECONDS, TIMES_LONGER)
def test_after_a_reset_the_next_failure_is_the_first_again(before: int, after: int, first: float, times: float) -> None:
    backoff = Backoff(first=first, longest=first * times)
    expected = [delay(failures, first=first, longest=first * times) for failures in range(max(before, after))]
    assert [backoff.next() for _ in range(before)] == expected[:before]
    backoff.reset()
    assert [backoff.next() for _ in range(after)] == expected[:after]


@settings(deadline=None)  # the machine may be busy
@given(SECONDS, TIMES_LONGER, JITTER, st.integers())
def test_a_loop_has_the_delays_of_its_failures(first: float, times: float, jitter: float, seed: int) -> None:
    longest, chance = first * times, random.Random(seed)
    backoff = Backoff(first=first, longest=longest, jitter=jitter, chance=random.Random(seed))
    for failures in range(20):
        assert backoff.next() == delay(failures, first=first, longest=longest, jitter=jitter, chance=chance)


def test_a_loop_that_has_failed_two_thousand_times_waits_its_longest_delay() -> None:
    backoff = Backoff(first=0.5, longest=30.0)
    *_, last = (backoff.next() for _ in range(2000))
    assert last == 30.0
    backoff.reset()
    assert list(itertools.islice(iter(backoff.next, None), 3)) == [0.5, 1.0, 2.0]
