"""Which of the Tasks that had a name an input is for."""

from __future__ import annotations

from datetime import datetime

import pytest

from taskyard.core.input_recipient import (
    KeepOrder,
    LookBack,
    Past,
    is_for,
    is_outdated,
    of_history,
    placing,
    refusal,
    without_task,
)
from taskyard.core.input_view import InputView
from unit.core.builders import TASK_UID, Manifest, at, input_manifest, owned_by_tekton, task, task_input

CREATED = at(-60)
WEB = task()


def unseen(seconds: float, **fields: object) -> InputView:
    """An input without a place, created `seconds` after the Task."""
    return task_input(order=None, owner_uid=None, created_at=at(-60 + seconds), **fields)


def seen(seconds: float, meant_for: str | None = None, **fields: object) -> InputView:
    """An input with a place, created `seconds` after the Task."""
    status: Manifest = {"taskUID": meant_for} if meant_for else {}
    return task_input(owner_uid=None, created_at=at(-60 + seconds), status=status, **fields)


def refused(entry: InputView, *, now: datetime = CREATED) -> str | None:
    return refusal(entry, WEB, created_at=CREATED, now=now)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(unseen(-2), id="two seconds before its Task"),
        pytest.param(unseen(-600), id="ten minutes before its Task"),
        pytest.param(seen(-600), id="ten minutes before, and seen then"),
        pytest.param(seen(-2, TASK_UID), id="before, and known to be this Task's"),
        pytest.param(unseen(0), id="in the same second"),
        pytest.param(seen(1, "of another cluster"), id="after, with a status that was restored"),
        pytest.param(task_input(created_at=at(-9999)), id="owned by the Task"),
    ],
)
def test_an_input_may_be_for_this_task(entry: InputView) -> None:
    """K14"""
    assert refused(entry) is None


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        pytest.param(unseen(-601), "more than ten minutes older", id="too early"),
        pytest.param(seen(-601), "more than ten minutes older", id="too early, and seen then"),
        pytest.param(seen(-2, "former"), "meant for an earlier Task", id="seen beside an earlier Task"),
        pytest.param(seen(0, "former"), "meant for an earlier Task", id="an earlier Task of the same second"),
        pytest.param(task_input(owner_uid="former"), "meant for an earlier Task", id="owned by an earlier Task"),
        pytest.param(
            task_input(owner_uid="former", created_at=at(5)), "meant for an earlier Task", id="owned, whenever it came"
        ),
    ],
)
def test_an_input_is_not_for_this_task(entry: InputView, says: str) -> None:
    """K14"""
    message = refused(entry)
    assert message is not None
    assert says in message
    assert "create another one" in message


@pytest.mark.parametrize(
    ("entry", "step"),
    [
        pytest.param(unseen(1), LookBack(unseen(1)), id="younger than the Task: is it still there?"),
        pytest.param(unseen(-2), LookBack(unseen(-2)), id="older: was there an earlier Task?"),
        pytest.param(unseen(0), LookBack(unseen(0)), id="in the same second: either may have been first"),
        pytest.param(task_input(order=None), KeepOrder(task_input(order=None)), id="its owner says whose it is"),
        pytest.param(seen(-2), None, id="seen while there was no Task"),
        pytest.param(seen(-2, TASK_UID), None, id="known to be this Task's"),
    ],
)
def test_what_is_written_and_read_at_first(entry: InputView, step: KeepOrder | LookBack | None) -> None:
    """K14"""
    assert placing(entry, WEB) == step


def test_without_a_task_it_is_asked_whether_there_was_one_too() -> None:
    """K14"""
    assert placing(unseen(0), None) == LookBack(unseen(0))
    assert placing(seen(0), None) is None
    owned = task_input(order=None)
    assert placing(owned, None) == KeepOrder(owned)


@pytest.mark.parametrize(
    ("past", "found"),
    [
        pytest.param(Past("former"), KeepOrder(unseen(0), "former"), id="it was for that one"),
        pytest.param(Past(), KeepOrder(unseen(0)), id="it is for the next one"),
    ],
)
def test_what_the_past_says_while_there_is_no_task(past: Past, found: KeepOrder) -> None:
    """K14"""
    assert without_task(unseen(0), past) == found


def test_without_a_task_and_a_past_an_input_is_refused() -> None:
    """K14"""
    message = without_task(unseen(0), Past(is_known=False))
    assert isinstance(message, str)
    assert "no longer tells" in message


@pytest.mark.parametrize("meant_for", [None, "of another cluster"])
def test_what_the_task_cannot_own_says_in_its_status_whose_it_is(meant_for: str | None) -> None:
    """K14: something else controls the input, or the Task is being deleted."""
    status = {"phase": "Queued", "order": 1} | ({"taskUID": meant_for} if meant_for else {})
    controlled = InputView.of(owned_by_tekton(input_manifest(owner_uid=None, status=status), uid="tekton-1"))
    assert placing(controlled, WEB) == KeepOrder(controlled, TASK_UID)
    entry = seen(2, meant_for)
    assert placing(entry, task(deleting=True)) == KeepOrder(entry, TASK_UID)


@pytest.mark.parametrize(
    ("entry", "past", "says"),
    [
        pytest.param(unseen(-2), Past(), None, id="no Task had the name"),
        pytest.param(unseen(0), Past(TASK_UID), None, id="in the Task's own second, after it"),
        pytest.param(unseen(0), Past("former"), "meant for an earlier Task", id="an earlier Task, a second ago"),
        pytest.param(unseen(-2), Past("former"), "meant for an earlier Task", id="an earlier Task"),
        pytest.param(unseen(-2), Past(TASK_UID), "no longer tells", id="it was changed since"),
        pytest.param(unseen(-2), Past(is_known=False), "no longer tells", id="nobody knows"),
        pytest.param(unseen(1), Past(TASK_UID), None, id="younger"),
        pytest.param(unseen(1), Past("former"), "meant for an earlier Task", id="younger only by another clock"),
        pytest.param(unseen(1), Past(), None, id="younger by another clock, and of no Task"),
        pytest.param(unseen(1), Past(is_known=False), None, id="younger, and nobody knows"),
    ],
)
def test_what_the_past_says(entry: InputView, past: Past, says: str | None) -> None:
    """K14"""
    message = of_history(entry, WEB, past, created_at=CREATED)
    assert (message is None) if says is None else (message is not None and says in message)


@pytest.mark.parametrize(
    ("entry", "past", "expected"),
    [
        pytest.param(unseen(1), Past(), True, id="it was gone"),
        pytest.param(unseen(1), Past("next"), True, id="the next one was there"),
        pytest.param(unseen(1), Past(TASK_UID), False, id="it was there"),
        pytest.param(unseen(1), Past(is_known=False), False, id="nobody knows"),
        pytest.param(unseen(-2), Past(), False, id="the input came before it"),
        pytest.param(unseen(-2), Past("former"), False, id="an earlier one was there"),
    ],
)
def test_whether_the_task_was_gone_already_when_the_input_came(entry: InputView, past: Past, expected: bool) -> None:
    """K14: the end of a Task is learned a moment later."""
    assert is_outdated(entry, WEB, past, created_at=CREATED) is expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(task_input(), True, id="owned"),
        pytest.param(task_input(owner_uid="former"), False, id="owned by an earlier Task"),
        pytest.param(unseen(1), True, id="younger than the Task"),
        pytest.param(seen(-2, TASK_UID), True, id="noted"),
        pytest.param(seen(-2, "former"), False, id="noted for an earlier Task"),
        pytest.param(seen(-2), False, id="older, and of no Task"),
    ],
)
def test_whose_an_input_is(entry: InputView, expected: bool) -> None:
    assert is_for(entry, WEB, created_at=CREATED) is expected
