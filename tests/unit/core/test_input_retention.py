"""How long inputs stay once they have ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from taskyard.core import names
from taskyard.core.input_retention import MAX_KEPT, MAX_KEPT_CHARACTERS, removals
from taskyard.core.input_view import InputView
from taskyard.core.times import micro, rfc3339
from unit.core.builders import at, task, task_input

RETENTION = timedelta(seconds=10)


def ended(name: str = "done", phase: str = "Delivered", *, seconds: float = 0, **fields: Any) -> InputView:
    moment = "deliveredAt" if phase == "Delivered" else "rejectedAt"
    return task_input(name, status={"phase": phase, moment: rfc3339(at(seconds))}, **fields)


def removed(*inputs: InputView, has_task: bool = True, state: str | None = None) -> list[tuple[str, float]]:
    """Names, and after how many seconds; `state` was reported two seconds after NOW."""
    status = {"state": {"state": state, "timestamp": micro(at(2))}} if state else {}
    found = removals(
        inputs, task(status=status) if has_task else None, created_at=at(-60) if has_task else None, retention=RETENTION
    )
    return [(entry.name, (moment - at(0)).total_seconds()) for moment, entry in found]


@pytest.mark.parametrize("phase", ["Delivered", "Rejected"])
def test_an_input_of_a_chosen_name_stays_with_its_task(phase: str) -> None:
    """K7: a GitOps tool would apply it again, and it would be a new one."""
    assert removed(ended(phase=phase)) == []


@pytest.mark.parametrize("phase", ["Delivered", "Rejected"])
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"generate_name": "done-"}, id="a generated name"),
        pytest.param({"labels": {names.CREATED_BY: "gateway"}}, id="the gateway's"),
        pytest.param({"owner_uid": "former"}, id="of an earlier Task: this one has not had it"),
        pytest.param({"owner_uid": None, "created_at": at(-90)}, id="of no Task"),
    ],
)
def test_an_input_that_does_not_come_again_or_was_not_for_this_task_is_removed(
    phase: str, fields: dict[str, Any]
) -> None:
    """K7"""
    assert removed(ended(phase=phase, seconds=5, **fields)) == [("done", 15)]


def test_without_a_task_nothing_stays() -> None:
    assert removed(ended("a", seconds=2), ended("b", "Rejected", seconds=1), has_task=False) == [("b", 11), ("a", 12)]


def test_what_waits_is_not_removed() -> None:
    assert removed(task_input(), task_input(generate_name="one-")) == []
    assert removed(task_input(), has_task=False) == []


def test_of_very_many_the_oldest_go() -> None:
    """K7: what a Task keeps is bounded."""
    many = [ended(f"i{number}", seconds=number) for number in range(MAX_KEPT + 2)]
    assert removed(*many) == [("i0", 10), ("i1", 11)]


def test_generated_names_push_no_chosen_name_out() -> None:
    """K7"""
    passing = [ended(f"g{number}", seconds=50 + number, generate_name="g") for number in range(MAX_KEPT)]
    assert "chosen" not in dict(removed(ended("chosen"), *passing))


def test_of_very_long_ones_fewer_stay() -> None:
    """K7"""
    long = "x" * (MAX_KEPT_CHARACTERS // 4)
    assert removed(*(ended(f"i{number}", seconds=number, content=long) for number in range(6))) == [
        ("i0", 10),
        ("i1", 11),
    ]


def test_of_one_second_the_first_in_line_goes_first() -> None:
    many = [ended(f"i{number}", order=number) for number in range(MAX_KEPT + 1)]
    assert removed(*reversed(many)) == [("i0", 10)]


@pytest.mark.parametrize("state", ["Complete", "Failed"])
def test_a_message_after_the_end_stays_until_the_agent_reports_again(state: str) -> None:
    """K8 with K7: without it, the end that it took back would count again."""
    first, last = (ended(name, seconds=seconds, generate_name="m-") for name, seconds in (("a", 3), ("b", 5)))
    assert removed(first, last, state=state) == [("a", 13)]
    assert removed(first, last, state="Working") == [("a", 13), ("b", 15)]
    assert removed(ended("a", seconds=1, generate_name="m-"), state=state) == [("a", 11)], "it has reported since"


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(ended("a", "Rejected", seconds=3, generate_name="m-"), id="rejected"),
        pytest.param(ended("a", seconds=3, generate_name="m-", type="Raw"), id="keystrokes"),
        pytest.param(ended("a", seconds=3, owner_uid="former"), id="an earlier Task's"),
    ],
)
def test_what_is_no_message_to_the_agent_does_not_stay(entry: InputView) -> None:
    assert removed(entry, state="Complete") == [("a", 13)]
