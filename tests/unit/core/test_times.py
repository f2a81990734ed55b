"""Times and durations as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.core import times

ZONES = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(min_value=datetime(1971, 1, 2), max_value=datetime(9998, 12, 30), timezones=ZONES)


@given(MOMENTS)
def test_a_moment_survives_being_written_and_read_but_for_its_fraction(moment: datetime) -> None:
    assert times.parse(times.rfc3339(moment)) == moment.replace(microsecond=0)


@given(MOMENTS)
def test_a_moment_is_written_in_utc_with_whole_seconds(moment: datetime) -> None:
    text = times.rfc3339(moment)
    assert len(text) == len("2026-01-31T12:00:00Z")
    assert text.endswith("Z")
    assert times.rfc3339(times.parse(text)) == text


@given(MOMENTS)
def test_where_order_within_a_second_counts_nothing_is_lost(moment: datetime) -> None:
    text = times.micro(moment)
    assert len(text) == len("2026-01-31T12:00:00.000000Z")
    assert text.endswith("Z")
    assert times.parse(text) == moment


@given(MOMENTS)
def test_milliseconds_are_cut_off_and_not_rounded(moment: datetime) -> None:
    text = times.milli(moment)
    assert len(text) == len("2026-01-31T12:00:00.000Z")
    assert text[:-1] == times.micro(moment)[:-4]


@given(MOMENTS, MOMENTS)
def test_texts_of_that_precision_are_in_the_order_of_their_moments(one: datetime, other: datetime) -> None:
    assert (times.micro(one) < times.micro(other)) == (one < other)


@pytest.mark.parametrize(
    "text",
    ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z", "2026-01-31T12:00:00+00:00", "2026-01-31T14:00:00+02:00"],
)
def test_the_same_moment_in_several_forms(text: str) -> None:
    assert times.parse(text) == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "noon", "2026-13-31T12:00:00Z", "2026-01-31T25:00:00Z", "2026-01-31", "2026-01-31T12:00:00"]
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        times.parse(text)


@given(st.integers(0, 999), st.integers(0, 999), st.integers(0, 9999))
def test_a_duration_is_the_sum_of_its_parts(hours: int, minutes: int, seconds: int) -> None:
    expected = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    assert times.duration(f"{hours}h{minutes}m{seconds}s") == expected
    assert times.duration(f"{int(expected.total_seconds())}s") == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("45s", 45), ("30m", 1800), ("1h30m", 5400), ("30m1h", 5400), ("1h1h", 7200), ("007s", 7)],
)
def test_duration(text: str, seconds: int) -> None:
    assert times.duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "1", "h", "1d", "1.5h", "-1h", "1h ", " 1h", "1h30", "1H", "1ms", "1h,2m"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 45s, 30m or 1h30m"):
        times.duration(text)


@pytest.mark.parametrize("text", ["876001h", "99999999h", "9" * 31 + "h", "9" * 15 + "h" + "9" * 14 + "m"])
def test_an_excessive_duration_is_the_longest_one_and_still_leads_to_a_time(text: str) -> None:
    assert times.duration(text) == times.MAX_DURATION
    times.rfc3339(datetime(2026, 1, 31, tzinfo=UTC) + times.duration(text))
