"""The order of Tasks, without sorting them at each request."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from taskyard.gateway.rest.cache import newest_first as module
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.newest_first import newest_first, place_of
from unit.gateway.rest.objects import task

NAMES = st.sampled_from([f"task-{number}" for number in range(12)])


def test_newer_timestamps_stand_before_older_ones() -> None:
    assert (
        newest_first("2026-01-31T12:00:01Z")
        < newest_first("2026-01-31T12:00:00Z")
        < newest_first("2025-12-31T23:59:59Z")
    )


@given(st.lists(st.tuples(st.sampled_from(["made", "changed", "deleted", "forgotten"]), NAMES, st.integers(0, 3))))
def test_it_is_the_order_of_the_tasks_that_there_are(steps: list[tuple[str, str, int]]) -> None:
    cache, made = Cache(), 0
    for what, name, second in steps:
        known = cache.tasks.get(("team", name))
        if what == "made" and known is None:
            made += 1
            cache.tasks.keep(task(name, uid=f"uid-{made}", created_at=f"2026-01-31T12:00:0{second}Z"))
        elif what == "changed" and known is not None:
            cache.tasks.keep(task(name, uid=known.uid, created_at=known.created_at, phase="Active"))
        elif what == "deleted" and known is not None:
            cache.tasks.deleted(task(name, uid=known.uid))
        elif what == "forgotten":
            cache.tasks.remove(("team", name))
    expected = sorted(cache.tasks, key=place_of)
    assert list(cache.newest_tasks.after()) == expected
    for number, one in enumerate(expected):
        assert list(cache.newest_tasks.after(place_of(one))) == expected[number + 1 :]


def test_tasks_that_come_and_go_do_not_make_it_longer() -> None:
    cache = Cache()
    for number in range(3 * module._MAX_GONE):
        cache.tasks.keep(one := task(f"task-{number}"))
        cache.tasks.remove(("team", one.name))
    assert len(cache.newest_tasks._order) <= module._MAX_GONE + 1
    assert list(cache.newest_tasks.after()) == []


def test_what_comes_while_it_is_read_hides_and_repeats_nothing() -> None:
    cache = Cache()
    for name in "bd":
        cache.tasks.keep(task(name))
    found = cache.newest_tasks.after()
    first = next(found)
    for name in "ac":
        cache.tasks.keep(task(name))
    assert [first.name, *(one.name for one in found)] == ["b", "d"]
