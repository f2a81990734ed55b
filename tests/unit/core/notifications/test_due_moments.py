"""When a sink is told: what has to settle, what is waited for, what is stored for later, and the ids found again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from taskyard.api.vocabulary import State
from taskyard.core.build_view import BuildView
from taskyard.core.notifications.due import SETTLES_AFTER, Notification, PassedOver, Unsettled
from taskyard.core.notifications.record import Record
from taskyard.core.notifications.task_view import NotifiedTask
from unit.core.builders import TASK_UID, at, reservation
from unit.core.notifications.notified import (
    EVENTS,
    SINK_UID,
    asked,
    fault,
    names,
    notified,
    sink,
    start,
    state,
    step,
    stop,
    tell,
)

Manifest = dict[str, Any]

SINK = sink()
FIRST = [start(1)]
STOPPED = reservation(2, "Stop", "ManualPause", "Succeeded")
STOPPING = reservation(2, "Stop", "ManualPause", "Running")
RESUMED = reservation(3, "Start", "Resume", "Succeeded")
FAILED_STOP = reservation(2, "Stop", "ManualPause", "Failed")


def told_state(name: str | None, build: int = 1) -> Record:
    """The record after a state was told."""
    return Record("owner", SINK_UID, build=build, state=State(name) if name else None, state_build=1 if name else 0)


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(notified(state=state("Idle", 5)), id="a state"),
        pytest.param(notified(conditions=[asked(5, id_="q-1")]), id="a question"),
        pytest.param(notified(conditions=[fault(5)], phase="Error"), id="an error"),
    ],
)
def test_what_has_just_changed_has_to_settle(task: NotifiedTask) -> None:
    seen, until = at(20), at(20) + SETTLES_AFTER
    assert step(task, FIRST, SINK, seen_at=seen, now=at(20)) == Unsettled(until)
    assert step(task, FIRST, SINK, seen_at=seen, now=until - timedelta(milliseconds=1)) == Unsettled(until)
    assert isinstance(step(task, FIRST, SINK, seen_at=seen, now=until), Notification)


def test_a_pause_waits_for_the_state_before_it_and_for_nothing_else() -> None:
    builds = [start(1), stop(2)]
    unsettled = step(notified(STOPPED, state=state("Idle", 5)), builds, SINK, seen_at=at(20), now=at(21))
    assert unsettled == Unsettled(at(20) + SETTLES_AFTER)
    found = step(notified(STOPPED), builds, SINK, seen_at=at(20), now=at(20))
    assert isinstance(found, Notification)
    assert found.event == "Paused"


def test_a_state_that_was_overtaken_is_not_told() -> None:
    record = told_state("Working")
    idle, works = notified(state=state("Idle", 5)), notified(state=state("Working", 6))
    assert isinstance(step(idle, FIRST, SINK, record, seen_at=at(5), now=at(6)), Unsettled)
    assert step(works, FIRST, SINK, record, seen_at=at(6), now=at(60)) is None


# --- Task and builds come by watches of their own


@pytest.mark.parametrize(
    ("task", "builds"),
    [
        pytest.param(
            notified(RESUMED, state=state("Idle", 305, build=3)),
            [start(1), stop(2)],
            id="the build of the state is not seen yet",
        ),
        pytest.param(
            notified(RESUMED, state=state("Idle", 305, build=3)),
            [start(1), stop(2, phase="Running"), start(3, "Resume")],
            id="the end of the stop is not seen yet",
        ),
        pytest.param(
            notified(state=state("Working", 5)), [start(1), stop(2)], id="the Task does not show the stop yet"
        ),
        pytest.param(
            notified(STOPPING, state=state("Working", 5), phase="Pausing"),
            [start(1), stop(2)],
            id="the Task does not show the end of the stop yet",
        ),
    ],
)
def test_what_one_watch_does_not_show_yet_is_waited_for(task: NotifiedTask, builds: list[BuildView]) -> None:
    told, _ = tell(task, builds, sink(events=["Idle", "Resumed"]))
    assert names(told) == []


# --- what has to be stored although nothing is told


@pytest.mark.parametrize(
    ("events", "record", "task", "stored"),
    [
        pytest.param(
            ["Complete"],
            told_state("Complete"),
            notified(state=state("Working", 9)),
            State.WORKING,
            id="after a state that was told, since it may come again",
        ),
        pytest.param(
            ["Working"],
            None,
            notified(state=state("Idle", 9)),
            State.IDLE,
            id="another state before the first Working, which is then told",
        ),
        pytest.param(["Complete"], None, notified(state=state("Working", 9)), None, id="nothing was told so far"),
        pytest.param(EVENTS, None, notified(state=state("Working", 9)), None, id="the first Working"),
        pytest.param(["Paused"], None, notified(state=state("Idle", 9)), None, id="a sink that wants no states"),
        pytest.param(
            ["Complete"], told_state("Idle"), notified(state=state("Working", 9)), None, id="a state nobody asks for"
        ),
    ],
)
def test_a_state_is_passed_over_where_the_next_one_depends_on_it(
    events: list[str], record: Record | None, task: NotifiedTask, stored: State | None
) -> None:
    found = step(task, FIRST, sink(events=events), record)
    if stored is None:
        assert found is None
    else:
        assert isinstance(found, PassedOver)
        assert found.told.state == stored
        assert isinstance(step(task, FIRST, sink(events=events), record, seen_at=at(9), now=at(10)), Unsettled)


def test_a_result_that_comes_again_is_told_again() -> None:
    only = sink(events=["Complete"])
    first, record = tell(notified(state=state("Complete", 5)), FIRST, only)
    between, record = tell(notified(state=state("Working", 20)), FIRST, only, record)
    second, _ = tell(notified(state=state("Complete", 40)), FIRST, only, record)
    assert names([*first, *between, *second]) == ["Complete 1", "Complete 1"]
    assert first[0].id != second[0].id


def test_the_same_words_without_an_id_are_another_question_later() -> None:
    _, record = tell(notified(conditions=[asked(5)]), FIRST, SINK)
    assert names(tell(notified(conditions=[asked(5)]), FIRST, SINK, record)[0]) == []
    assert names(tell(notified(conditions=[asked(50)]), FIRST, SINK, record)[0]) == ["InputRequired 1"]


# --- the id


def test_the_id_is_found_again_after_a_restart() -> None:
    task = notified(STOPPED, state=state("Idle", 5), conditions=[asked(6, id_="q-1"), fault(7)], phase="Error")
    before, _ = tell(task, [start(1)], SINK)
    after, _ = tell(replace(task, version=task.version + 1), [start(1)], sink(created=-1800))
    assert [each.id for each in before] == [each.id for each in after]


def test_an_id_names_task_build_event_and_time() -> None:
    (found,), _ = tell(notified(state=state("Idle", 5)), FIRST, SINK)
    assert found.id == f"{TASK_UID}-1-idle-{round(at(5).timestamp() * 1000)}"
    assert "." not in found.id


@pytest.mark.parametrize("second", [6, 3600])
def test_a_question_that_is_closed_and_opened_again_has_the_same_id(second: float) -> None:
    """As by a sidecar that starts again; while nobody wrote down that it was told."""
    (first,), _ = tell(notified(conditions=[asked(5, id_="q-1")]), FIRST, SINK)
    (again,), _ = tell(notified(conditions=[asked(second, id_="q-1")]), FIRST, SINK)
    assert (again.id, again.at) == (first.id, at(second))
    assert "." not in again.id
    (wordless,), _ = tell(notified(conditions=[asked(5)]), FIRST, SINK)
    (later,), _ = tell(notified(conditions=[asked(second)]), FIRST, SINK)
    assert wordless.id != later.id, "a question without an id is told from another of the same words by its time"


def test_two_questions_of_one_moment_have_ids_of_their_own() -> None:
    ids = {tell(notified(conditions=[asked(5, id_=id_)]), FIRST, SINK)[0][0].id for id_ in ("q-1", "q-2")}
    assert len(ids) == 2
    assert all(len(id_) <= 128 for id_ in ids)
