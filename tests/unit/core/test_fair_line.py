"""Whose turn is next, where namespaces share one pace."""

from __future__ import annotations

import pytest

from taskyard.core.fair_line import FairLine, Key
from taskyard.core.tokenbucket import Rate

RATE = Rate(per_second=10, burst=5)


def named(namespace: str, number: int = 0) -> Key:
    return namespace, str(number)


def served(line: FairLine, *, until: float) -> list[tuple[float, Key]]:
    """All turns from 100 s on, each at the moment that `next` tells."""
    found = []
    now: float | None = 100.0
    while now is not None and now <= until:
        found += [(round(now - 100, 6), key) for key in line.take(now)]
        now = line.next(now)
    return found


def test_alone_a_namespace_has_the_whole_pace() -> None:
    line = FairLine(RATE)
    for number in range(8):
        line.join(named("a", number), at=100.0)
    found = served(line, until=200.0)
    assert [moment for moment, _ in found] == [0, 0, 0, 0, 0, 0.1, 0.2, 0.3]
    assert [key for _, key in found] == [named("a", number) for number in range(8)], "whoever came first"
    assert line.next(200.0) is None


@pytest.mark.parametrize("others", [1, 3])
def test_a_crowd_delays_other_namespaces_by_a_turn_each(others: int) -> None:
    line = FairLine(RATE)
    for number in range(5000):
        line.join(named("crowd", number), at=100.0)
    for number in range(others):
        line.join(named(f"quiet-{number}"), at=110.0)
    moments = {key[0]: moment for moment, key in served(line, until=120.0) if key[0] != "crowd"}
    assert len(moments) == others
    assert max(moments.values()) <= 10 + (others + 1) / RATE.per_second


def test_many_crowds_share_the_pace_evenly() -> None:
    line = FairLine(RATE)
    for namespace in ("a", "b", "c"):
        for number in range(1000 if namespace == "a" else 300):
            line.join(named(namespace, number), at=100.0)
    found = served(line, until=130.0)
    assert len(found) == pytest.approx(305, abs=1), "and no more than that in all"
    for namespace in ("a", "b", "c"):
        assert sum(key[0] == namespace for _, key in found) == pytest.approx(102, abs=2)


def test_large_turns_one_at_a_time_are_no_way_to_have_them_all() -> None:
    """A namespace whose next key always comes when the one before has had its turn."""
    line = FairLine(RATE)
    for number in range(1000):
        line.join(named("crowd", number), at=100.0)
    line.join(named("large"), at=100.0, turns=5)
    had = {"crowd": 0, "large": 0}
    now: float | None = 100.0
    while now is not None and now < 160:
        for key in line.take(now):
            had[key[0]] += 5 if key[0] == "large" else 1
            if key[0] == "large":
                line.join(key, at=now, turns=5)
        now = line.next(now)
    assert sum(had.values()) == pytest.approx(605, abs=5)
    assert had["crowd"] == pytest.approx(had["large"], abs=6)


def test_who_has_waited_for_nothing_has_no_more_turns_than_others() -> None:
    """A namespace that comes late begins with the others, and has nothing to catch up on."""
    line = FairLine(RATE)
    for number in range(1000):
        line.join(named("a", number), at=100.0)
        line.join(named("late", number), at=120.0)
    found = [key for moment, key in served(line, until=125.0) if moment >= 20]
    assert sum(key[0] == "late" for key in found) == pytest.approx(len(found) / 2, abs=2)


def test_a_key_that_waits_keeps_its_place_and_the_earlier_of_two_moments() -> None:
    line = FairLine(RATE)
    line.join(named("a", 1), at=103.0)
    line.join(named("a", 2), at=102.0)
    line.join(named("a", 1), at=104.0)
    line.join(named("a", 3), at=109.0)
    line.join(named("a", 3), at=101.0)
    assert served(line, until=120.0) == [(1, named("a", 3)), (2, named("a", 2)), (3, named("a", 1))]


def test_who_leaves_takes_no_turn() -> None:
    line = FairLine(Rate(per_second=1, burst=1))
    for number in range(3):
        line.join(named("a", number), at=100.0)
    line.join(named("b"), at=150.0)
    assert line.take(100.0) == [named("a", 0)]
    line.leave(named("a", 1))
    line.leave(named("b"))
    line.leave(named("c"))
    assert line.take(101.0) == [named("a", 2)]
    assert line.next(101.0) is None
