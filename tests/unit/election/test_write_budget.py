"""A namespace of large objects waits for itself, and for nobody else."""

from __future__ import annotations

import itertools

import pytest

from taskyard.election import write_budget
from taskyard.election.write_budget import SHARE, WriteBudget

LARGE = 350_000


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def written_within(seconds: float, size: int, *, budget: WriteBudget, clock: Clock, namespace: str = "full") -> int:
    """How many objects one writer after the other gets written in that time."""
    end, count = clock.now + seconds, 0
    while True:
        wait, taken = budget.turn(namespace, "taskinputs")
        if clock.now + wait > end:
            return count
        clock.now += wait + 0.001
        budget.written(namespace, "taskinputs", size, taken=taken)
        count += 1


def test_large_objects_have_their_share_of_bytes_and_no_more() -> None:
    clock = Clock()
    budget = WriteBudget(clock=clock)
    bytes_written = written_within(60, LARGE, budget=budget, clock=clock) * LARGE
    share = SHARE.burst + 60 * SHARE.per_second
    assert 0.9 * share < bytes_written < 1.1 * share


def test_many_writers_at_once_take_turns_instead_of_going_together() -> None:
    clock = Clock()
    budget = WriteBudget(clock=clock)
    written_within(30, LARGE, budget=budget, clock=clock)
    waits = [budget.turn("full", "taskinputs").seconds for _ in range(24)]
    apart = [later - earlier for earlier, later in itertools.pairwise(waits)]
    assert apart == pytest.approx([LARGE / SHARE.per_second] * 23)


def test_other_namespaces_do_not_wait_nor_seventy_starts_a_second_after_hundreds_at_once() -> None:
    clock = Clock()
    budget = WriteBudget(clock=clock)
    written_within(30, LARGE, budget=budget, clock=clock)
    for number in range(3000):
        for plural, size in (("tasks", 5000), ("workspacebuilds", 2500), ("pods", 14_000), ("tasks", 6000)):
            wait, taken = budget.turn("team", plural)
            assert wait == 0
            budget.written("team", plural, size, taken=taken)
        clock.now += 0 if number < 500 else 1 / 70
    assert budget.turn("full", "taskinputs").seconds == 0, "it has rested meanwhile"


def test_what_is_deleted_counts_with_its_size() -> None:
    clock = Clock()
    budget = WriteBudget(clock=clock)
    waits = [budget.turn("full", "taskinputs", size=LARGE).seconds for _ in range(100)]
    assert waits[0] == 0
    assert waits[-1] == pytest.approx((100 * LARGE - SHARE.burst) / SHARE.per_second, rel=0.01)


def test_small_objects_of_a_kind_do_not_pay_for_the_large_ones_of_another() -> None:
    clock = Clock()
    budget = WriteBudget(clock=clock)
    budget.written("team", "tasks", 200_000, taken=0)
    clock.now += 60
    for _ in range(500):
        wait, taken = budget.turn("team", "pods")
        assert wait == 0
        budget.written("team", "pods", 6000, taken=taken)


def test_small_objects_beside_large_ones_of_their_kind_pay_for_themselves() -> None:
    """Every tenth Task has a prompt of 128 KiB: each of those had the next ones pay for it."""
    clock = Clock()
    budget = WriteBudget(clock=clock)
    sizes = [128 << 10 if number % 10 == 0 else 5000 for number in range(1000)]
    waited = 0.0
    for size in sizes:
        wait, taken = budget.turn("team", "tasks")
        waited += wait
        clock.now += wait
        budget.written("team", "tasks", size, taken=taken)
    due = (sum(sizes) - SHARE.burst) / SHARE.per_second
    assert waited == pytest.approx(max(due, 0), abs=(128 << 10) / SHARE.per_second)


def test_what_is_written_at_once_pays_for_itself_too() -> None:
    """The first large ones of a kind, of which nobody knows how large they are, and small ones that follow together."""
    clock = Clock()
    budget = WriteBudget(clock=clock)
    for size in (LARGE, 1000):
        turns = [budget.turn("team", "tasks") for _ in range(24)]
        for turn in turns:
            budget.written("team", "tasks", size, taken=turn.taken)
    spent = 24 * (LARGE + 1000)
    left = budget.turn("team", "pods", size=SHARE.burst).seconds * SHARE.per_second
    assert left == pytest.approx(spent, rel=0.01)


def test_what_is_given_back_is_no_more_than_was_taken() -> None:
    clock = Clock()
    budget = WriteBudget(clock=clock)
    for _ in range(100):
        turn = budget.turn("team", "tasks", size=LARGE)
        clock.now += 60
        budget.written("team", "tasks", 10, taken=turn.taken)
    assert budget.turn("team", "tasks", size=SHARE.burst).seconds == 0
    assert budget.turn("team", "tasks", size=SHARE.per_second).seconds == pytest.approx(1)


def test_of_many_namespaces_the_quiet_ones_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_budget, "MAX_NAMESPACES", 16)
    clock = Clock()
    budget = WriteBudget(clock=clock)
    written_within(30, LARGE, budget=budget, clock=clock)
    for number in range(100):
        assert budget.turn(f"quiet-{number}", "tasks").seconds == 0
    assert budget.turn("full", "taskinputs").seconds > 0
    assert len(budget._accounts) <= 17


def test_the_pause_is_that_of_the_namespace_and_takes_no_turn() -> None:
    clock = Clock()
    budget = WriteBudget(clock=clock)
    assert budget.pause("full") == 0
    for _ in range(200):
        budget.turn("full", "taskinputs", size=LARGE)
    seconds = (200 * LARGE - SHARE.burst) / SHARE.per_second
    assert [budget.pause("full"), budget.pause("full")] == pytest.approx([seconds] * 2)
    assert budget.pause("team") == 0
    clock.now += seconds + 1
    assert budget.pause("full") == 0
