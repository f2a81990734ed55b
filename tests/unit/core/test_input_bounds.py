"""How many inputs may wait, and which are refused."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from taskyard.api.vocabulary import InputReason
from taskyard.core import input_bounds
from taskyard.core.input_bounds import Bounds, Lane, is_refused, lane_of, line, removed_at, room
from taskyard.core.input_view import InputView
from taskyard.core.inputs import queued
from taskyard.core.times import rfc3339
from unit.core.builders import at, task_input

TWO = Bounds(per_task=2, per_namespace=3)
HOUR = timedelta(hours=1)


def fresh(name: str, *, seconds: float = 0, **fields: Any) -> InputView:
    """An input that the operator has not looked at yet."""
    return task_input(name, order=None, owner_uid=None, created_at=at(seconds), **fields)


def divided(*inputs: InputView, elsewhere: int = 0, bounds: Bounds = TWO) -> tuple[list[str], dict[str, InputReason]]:
    """The names of those that wait, and why others do not; `elsewhere` have their place in other Tasks' lanes."""
    counted = {lane: elsewhere + sum(e.has_order and lane_of(e) is lane for e in inputs) for lane in Lane}
    found = line(queued(inputs), in_namespace=counted, bounds=bounds)
    assert len(found.waiting) + len(found.refused) == len(inputs), "each is in one of the two"
    return [entry.name for entry in found.waiting], {r.input.name: r.reason for r in found.refused}


def test_up_to_the_bound_all_wait() -> None:
    assert divided(fresh("a"), fresh("b")) == (["a", "b"], {})
    assert divided() == ([], {})


def test_the_youngest_are_refused() -> None:
    waiting, refused = divided(fresh("c", seconds=2), fresh("a"), fresh("d", seconds=3), fresh("b", seconds=1))
    assert waiting == ["a", "b"]
    assert refused == dict.fromkeys("cd", InputReason.QUEUE_FULL)


def test_within_one_second_the_order_of_creation_decides() -> None:
    assert divided(fresh("a", version=9), fresh("b", version=8), fresh("c", version=10))[0] == ["b", "a"]


def test_who_is_in_line_stays_though_an_older_one_comes_later() -> None:
    """Several API servers give timestamps; and the bound may have been lowered."""
    placed = [task_input(name, order=number, created_at=at(5)) for number, name in enumerate("abc")]
    assert divided(*placed, fresh("older")) == (["a", "b", "c"], {"older": InputReason.QUEUE_FULL})


def test_a_full_line_of_messages_keeps_nobody_from_answering_or_pressing_a_key() -> None:
    full = [task_input("a"), task_input("b", type="Control", content="/compact", order=2)]
    urgent = [fresh("yes", answers="q-1"), fresh("ctrl-c", type="Raw", content="\x03")]
    waiting, refused = divided(*full, *urgent, fresh("c"))
    assert set(waiting) == {"a", "b", "yes", "ctrl-c"}
    assert list(refused) == ["c"]


@pytest.mark.parametrize(
    "fields", [pytest.param({"type": "Raw"}, id="keystrokes"), pytest.param({"answers": "q-1"}, id="answers")]
)
def test_keystrokes_and_answers_are_bounded_too(fields: dict[str, Any]) -> None:
    flood = [fresh(name, seconds=number, **fields) for number, name in enumerate("abc")]
    waiting, refused = divided(*flood, fresh("message", seconds=9))
    assert set(waiting) == {"a", "b", "message"}
    assert list(refused) == ["c"]


def test_a_full_namespace_takes_no_more_of_any_task() -> None:
    assert divided(fresh("a"), fresh("b", seconds=1), elsewhere=2) == (["a"], {"b": InputReason.NAMESPACE_QUEUE_FULL})
    assert divided(task_input("placed"), fresh("a"), elsewhere=2) == (
        ["placed"],
        {"a": InputReason.NAMESPACE_QUEUE_FULL},
    )


def test_the_refusal_names_object_cause_and_remedy() -> None:
    found = line([fresh("a")], in_namespace={}, bounds=Bounds(per_task=0, per_namespace=9))
    assert found.refused[0].message == (
        'The queue of Task "web" is full: 0 messages wait for its agent, and more may not. Create the input again when '
        "some of them have been delivered, or delete some. This one is removed after a minute."
    )
    found = line([fresh("a", answers="q")], in_namespace={Lane.ANSWERS: 2048}, bounds=Bounds())
    assert found.refused[0].message.startswith(
        'The queues of namespace "team" are full: 2,048 answers wait for its agents, and more may not. Create'
    )


def refused(reason: str | None = "QueueFull", *, phase: str = "Rejected") -> InputView:
    return task_input(status={"phase": phase, "reason": reason, "rejectedAt": rfc3339(at(5))})


def test_what_was_refused_is_removed_after_a_minute_whatever_its_name() -> None:
    assert is_refused(refused())
    assert is_refused(refused("NamespaceQueueFull"))
    assert removed_at(refused(), retention=HOUR) == at(65)
    assert removed_at(refused(), retention=timedelta(seconds=2)) == at(7)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(refused(None), id="rejected for another cause"),
        pytest.param(refused("Another"), id="for a cause that a later version has"),
        pytest.param(refused(phase="Queued"), id="it waits"),
    ],
)
def test_other_inputs_are_not_removed_so_soon(entry: InputView) -> None:
    assert not is_refused(entry)


@pytest.mark.parametrize(
    ("of_task", "of_namespace", "expected"),
    [(1, 2, None), (2, 2, InputReason.QUEUE_FULL), (0, 3, InputReason.NAMESPACE_QUEUE_FULL)],
)
def test_room_for_one_more(of_task: int, of_namespace: int, expected: InputReason | None) -> None:
    assert room(of_task=of_task, of_namespace=of_namespace, bounds=TWO) is expected


def test_the_line_of_a_flood_is_divided_in_one_pass() -> None:
    """Twenty times as many take some twenty times as long, and not four hundred times."""

    def seconds(number: int) -> float:
        flood = [fresh(f"i{place}", version=place + 1) for place in range(number)]
        best = float("inf")
        for _ in range(5):
            began = time.process_time()
            line(queued(tuple(flood)), in_namespace={}, bounds=Bounds())
            best = min(best, time.process_time() - began)
        return best

    assert seconds(10_000) < 100 * max(seconds(500), 1e-4)


def test_the_defaults() -> None:
    assert Bounds() == Bounds(per_task=256, per_namespace=2048)
    assert timedelta(minutes=1) == input_bounds.REFUSAL_SHOWN
