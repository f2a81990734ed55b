"""The order of Tasks, without sorting them at each request."""

from __future__ import annotations

import pytest
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


def test_long_orders_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_COPIED", 3)
    monkeypatch.setattr(module, "_MAX_GONE", 2)
    cache, second = Cache(), "2026-01-31T12:00:{:02}Z".format
    for number in range(20):
        cache.tasks.keep(task(f"task-{number:02}", created_at=second(number)))
    shown = []
    for one in cache.newest_tasks.after():
        shown.append(one.name)
        # Each step takes away one that was shown and the oldest of all but the first ten, and adds a newer one.
        cache.tasks.remove(("team", one.name))
        cache.tasks.remove(("team", f"task-{9 - len(shown):02}"))
        cache.tasks.keep(task(f"new-{len(shown)}", created_at=second(59)))
    assert shown[:10] == [f"task-{number:02}" for number in range(19, 9, -1)]
    assert [name for name in shown if name.startswith("new")] == []
    assert len(set(shown)) == len(shown) == 11


def test_what_comes_while_it_is_read_hides_and_repeats_nothing() -> None:
    cache = Cache()
    for name in "bd":
        cache.tasks.keep(task(name))
    found = cache.newest_tasks.after()
    first = next(found)
    for name in "ac":
        cache.tasks.keep(task(name))
    assert [first.name, *(one.name for one in found)] == ["b", "d"]
