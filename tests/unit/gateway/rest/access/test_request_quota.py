"""A caller who exceeds the quota takes nothing away from the others."""

from taskyard.core.tokenbucket import Rate
from taskyard.gateway.rest.access.request_quota import Allowance, RequestQuota

OFTEN = Rate(per_second=1000, burst=1000)


def callers(*, rate: Rate = OFTEN, at_once: int = 100, streams: int = 100, remembered: int = 100) -> RequestQuota:
    return RequestQuota(Allowance(rate=rate, at_once=at_once, streams=streams), remembered=remembered)


def test_a_caller_over_the_rate_is_told_when_to_retry() -> None:
    these = callers(rate=Rate(per_second=2, burst=3))
    for _ in range(3):
        assert these.enter("jane", 0) == 0
        these.leave("jane")
    assert these.enter("jane", 0) == 0.5
    assert these.enter("jane", 0.5) == 0


def test_others_do_not_wait_for_it() -> None:
    these = callers(rate=Rate(per_second=1, burst=1), at_once=1)
    assert these.enter("jane", 0) == 0
    assert these.enter("jane", 0) > 0
    assert these.enter("joe", 0) == 0


def test_concurrent_requests_are_limited_until_one_ends() -> None:
    these = callers(at_once=2)
    assert [these.enter("jane", 0) for _ in range(3)] == [0, 0, 1]
    these.leave("jane")
    assert these.enter("jane", 0) == 0


def test_a_refusal_takes_nothing() -> None:
    these = callers(rate=Rate(per_second=1, burst=2), at_once=1)
    assert [these.enter("jane", 0) for _ in range(5)] == [0, 1, 1, 1, 1]
    these.leave("jane")
    assert these.enter("jane", 0) == 0


def test_streams_are_counted_apart() -> None:
    these = callers(at_once=1, streams=2)
    assert [these.enter("jane", 0, streaming=True) for _ in range(3)] == [0, 0, 1]
    assert these.enter("jane", 0) == 0
    these.leave("jane", streaming=True)
    assert these.enter("jane", 0, streaming=True) == 0


def test_callers_who_came_long_ago_are_forgotten_but_not_what_they_hold() -> None:
    these = callers(at_once=1, remembered=10)
    these.enter("jane", 0)
    for number in range(1000):
        these.enter(number, 0)
        these.leave(number)
    assert len(these) == 10
    assert these.enter("jane", 0) == 1
