"""What a sink is told of a Task, rule by rule."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.vocabulary import State
from taskyard.core.build_view import BuildView
from taskyard.core.notifications.due import WHY_PAUSED
from taskyard.core.notifications.record import Record
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.core.times import rfc3339
from unit.core.builders import at, reservation
from unit.core.notifications.notified import (
    EVENTS,
    SINK_UID,
    asked,
    fault,
    names,
    new_record,
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
    ("task", "builds", "record", "expected"),
    [
        pytest.param(notified(state=state("Working", 5)), FIRST, None, [], id="the first Working is silent"),
        pytest.param(notified(state=state("Idle", 5)), FIRST, None, ["Idle 1"], id="the first Idle is told"),
        pytest.param(
            notified(state=state("Complete", 5)), FIRST, None, ["Complete 1"], id="a Complete that comes first is told"
        ),
        pytest.param(
            notified(state=state("Working", 5)),
            FIRST,
            told_state("Idle"),
            ["Working 1"],
            id="a Working after another state is told",
        ),
        pytest.param(
            notified(RESUMED, state=state("Idle", 9, build=3)),
            [start(1), stop(2), start(3, reason="Resume")],
            told_state("Idle", build=3),
            ["Idle 3"],
            id="the state of before a resume is news after it",
        ),
        pytest.param(
            notified(RESUMED, state=state("Working", 9, build=3)),
            [start(1), stop(2), start(3, reason="Resume")],
            told_state("Working", build=3),
            [],
            id="one that worked before the pause works on",
        ),
        pytest.param(
            notified(state=state("Idle", 9, message="still")),
            FIRST,
            told_state("Idle"),
            [],
            id="a state with other words is the same state",
        ),
        pytest.param(notified(state=state("Idle", 5)), FIRST, told_state("Failed"), ["Idle 1"], id="Failed, then Idle"),
        pytest.param(
            notified(state=state("Idle", 5), lifecycle="Starting"), FIRST, None, [], id="an agent that is not ready"
        ),
        pytest.param(
            notified(state=state("Failed", 5), lifecycle="Off", phase="Unknown"),
            FIRST,
            told_state("Working"),
            ["Failed 1"],
            id="a command's result is told although its Pod is gone",
        ),
        pytest.param(
            notified(STOPPED, state=state("Complete", 5), active=False),
            [start(1), stop(2, "Finished")],
            None,
            ["Complete 1", "Paused 2"],
            id="the result of a command too quick to be seen active",
        ),
        pytest.param(
            notified(state=state("Working", 0), status={"state": {"timestamp": reservation()["createdAt"]}}),
            FIRST,
            told_state("Idle"),
            [],
            id="a Working that the operator made up for a start",
        ),
        pytest.param(
            notified(STOPPED, state=state("Idle", 5)),
            [start(1), stop(2)],
            None,
            ["Idle 1", "Paused 2"],
            id="the state before a pause is told before it",
        ),
        pytest.param(
            notified(STOPPED, state=state("Working", 5)),
            [start(1), stop(2)],
            told_state("Idle"),
            ["Paused 2"],
            id="a paused Task does not work",
        ),
        pytest.param(
            notified(STOPPED, state=state("Idle", 5), active=False),
            [start(1), stop(2)],
            None,
            ["Paused 2"],
            id="a paused Task whose agent never answered",
        ),
        pytest.param(
            notified(STOPPING, state=state("Idle", 5), phase="Pausing"),
            [start(1), stop(2, phase="Running")],
            told_state("Idle"),
            [],
            id="a stop that still runs is no pause yet",
        ),
        pytest.param(
            notified(FAILED_STOP, phase="Error"),
            [start(1), stop(2, phase="Failed")],
            None,
            [],
            id="a failed stop is no pause",
        ),
        pytest.param(
            notified(RESUMED), [start(1), stop(2), start(3, "Resume")], None, ["Paused 2", "Resumed 3"], id="a resume"
        ),
        pytest.param(
            notified(state=state("Complete", 50), conditions=[asked(5, id_="q-1")]),
            FIRST,
            None,
            ["InputRequired 1", "Complete 1"],
            id="a question that was before the state",
        ),
        pytest.param(
            notified(state=state("Idle", 5.4), conditions=[asked(5, id_="q-1")]),
            FIRST,
            None,
            ["Idle 1", "InputRequired 1"],
            id="a question of the same second",
        ),
        pytest.param(
            notified(reservation(2, "Start", "Recover", "Succeeded")),
            [start(1), start(2, "Recover")],
            None,
            [],
            id="a start after a crash is no resume",
        ),
        pytest.param(
            notified(reservation(2, "Start", "Recover", "Succeeded"), state=state("Idle", 9, build=2)),
            [start(1), start(2, "Recover")],
            told_state("Idle", build=2),
            [],
            id="the state of before a crash is no news after it",
        ),
        pytest.param(
            notified(reservation(6, "Stop", "AutoPause", "Succeeded"), state=state("Idle", 700, build=5)),
            [
                stop(6, "AutoPause", created=800),
                start(3, "Resume", created=300),
                stop(2),
                stop(4, "MaxRuntime", created=400),
                start(1),
                start(5, "Resume", created=600),
            ],
            None,
            ["Paused 2", "Resumed 3", "Paused 4", "Resumed 5", "Idle 5", "Paused 6"],
            id="pauses and resumes of a long downtime, in order",
        ),
        pytest.param(
            notified(reservation(4, "Stop", "ManualPause", "Succeeded")),
            [stop(2), start(3, "Resume", created=300), stop(4, created=400)],
            Record("owner", SINK_UID, build=3),
            ["Paused 4"],
            id="what was told is not told again",
        ),
        pytest.param(
            notified(STOPPED),
            [start(1), stop(2, uid="a-former-Task")],
            None,
            [],
            id="a build of a former Task of this name",
        ),
        pytest.param(
            notified(conditions=[asked(5, id_="q-1")]), FIRST, None, ["InputRequired 1"], id="a question with an id"
        ),
        pytest.param(
            notified(conditions=[asked(5)]), FIRST, None, ["InputRequired 1"], id="a question for keystrokes alone"
        ),
        pytest.param(
            notified(conditions=[asked(5, id_="q-1")]),
            FIRST,
            Record("owner", SINK_UID, question="q-1"),
            [],
            id="the same question",
        ),
        pytest.param(
            notified(conditions=[asked(90, id_="q-1")]),
            FIRST,
            Record("owner", SINK_UID, question="q-1"),
            [],
            id="the same question after the sidecar's restart",
        ),
        pytest.param(
            notified(conditions=[asked(5, id_="q-2")]),
            FIRST,
            Record("owner", SINK_UID, question="q-1"),
            ["InputRequired 1"],
            id="the next question",
        ),
        pytest.param(
            notified(conditions=[asked(5) | {"status": "False"}]), FIRST, None, [], id="a question that is answered"
        ),
        pytest.param(notified(conditions=[fault(5)], phase="Error"), FIRST, None, ["Error 1"], id="an error"),
        pytest.param(
            notified(conditions=[fault(5)], phase="Error"),
            FIRST,
            Record("owner", SINK_UID, error=rfc3339(at(5))),
            [],
            id="the same error",
        ),
        pytest.param(
            notified(conditions=[fault(95)], phase="Error"),
            FIRST,
            Record("owner", SINK_UID, error=rfc3339(at(5))),
            ["Error 1"],
            id="an error after it had healed",
        ),
        pytest.param(
            notified(conditions=[fault(5)], phase="Paused"), FIRST, None, [], id="a failed command is Stalled, no error"
        ),
        pytest.param(
            notified(state=state("Idle", 5), conditions=[asked(6, id_="q-1"), fault(7)], phase="Error"),
            FIRST,
            None,
            ["Idle 1", "InputRequired 1", "Error 1"],
            id="all at once",
        ),
        pytest.param(notified(state=state("Idle", 5), deleting=True), FIRST, None, [], id="a Task that is deleted"),
        pytest.param(
            notified(STOPPED, state=state("Idle", 5), status={"observedUID": "a-former-Task"}),
            FIRST,
            None,
            [],
            id="a restored Task with the status of the former one",
        ),
    ],
)
def test_what_is_told(task: NotifiedTask, builds: list[BuildView], record: Record | None, expected: list[str]) -> None:
    told, after = tell(task, builds, SINK, record)
    assert names(told) == expected
    assert tell(task, builds, SINK, after) == ([], after), "and it is told once"


@pytest.mark.parametrize(
    ("created", "task", "builds", "expected"),
    [
        pytest.param(50, notified(state=state("Idle", 5)), FIRST, [], id="a state from before the sink"),
        pytest.param(50, notified(state=state("Idle", 60)), FIRST, ["Idle 1"], id="a state since then"),
        pytest.param(
            50, notified(state=state("Working", 60)), FIRST, ["Working 1"], id="the Task has worked before the sink"
        ),
        pytest.param(50, notified(conditions=[asked(5, id_="q-1")]), FIRST, [], id="a question from before the sink"),
        pytest.param(50, notified(conditions=[fault(5)], phase="Error"), FIRST, [], id="an error from before the sink"),
        pytest.param(
            200,
            notified(RESUMED),
            [start(1), stop(2), start(3, "Resume", created=300)],
            ["Resumed 3"],
            id="a pause from before the sink, and a resume since then",
        ),
    ],
)
def test_nothing_is_told_of_what_was_before_the_sink(
    created: float, task: NotifiedTask, builds: list[BuildView], expected: list[str]
) -> None:
    told, record = tell(task, builds, sink(created=created))
    assert names(told) == expected
    if not expected:
        assert record == new_record(SINK), "and nothing is written"


@pytest.mark.parametrize(
    ("selector", "labels", "expected"),
    [
        pytest.param(None, {}, ["Idle 1"], id="without a selector all"),
        pytest.param({"matchLabels": {"team": "a"}}, {"team": "a", "x": "y"}, ["Idle 1"], id="a label that matches"),
        pytest.param({"matchLabels": {"team": "a"}}, {"team": "b"}, [], id="a label of another value"),
        pytest.param({"matchLabels": {"team": "a"}}, {}, [], id="no label"),
    ],
)
def test_the_selector_chooses_the_tasks(selector: Manifest | None, labels: dict[str, str], expected: list[str]) -> None:
    task = notified(state=state("Idle", 5), labels=labels)
    assert names(tell(task, FIRST, sink(selector=selector))[0]) == expected


def test_a_sink_that_is_deleted_is_told_nothing() -> None:
    assert step(notified(state=state("Idle", 5)), FIRST, sink(deleting=True)) is None


def test_a_sink_of_the_same_name_begins_anew() -> None:
    told, record = tell(notified(state=state("Idle", 5)), FIRST, SINK)
    again = notified(state=state("Idle", 5), status={"notifications": [record.document]})
    of_another = sink(uid="another")
    assert len(told) == 1
    assert again.records == (record,)
    assert names(tell(again, FIRST, of_another, new_record(of_another))[0]) == ["Idle 1"]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(["Paused"], ["Paused 2"], id="pauses alone"),
        pytest.param(["Idle", "Error"], ["Idle 1"], id="states alone"),
        pytest.param(["Resumed"], [], id="what has not happened"),
        pytest.param(EVENTS, ["Idle 1", "Paused 2"], id="everything"),
    ],
)
def test_only_what_was_asked_for_is_told(events: list[str], expected: list[str]) -> None:
    task = notified(STOPPED, state=state("Idle", 5))
    assert names(tell(task, [start(1), stop(2)], sink(events=events))[0]) == expected


@pytest.mark.parametrize("reason", WHY_PAUSED, ids=lambda reason: reason.value)
def test_a_pause_tells_why(reason: str) -> None:
    (found,), _ = tell(notified(STOPPED), [start(1), stop(2, reason)], sink(events=["Paused"]))
    assert found.reason == WHY_PAUSED[reason]
    assert found.reason


def test_a_notification_says_what_the_status_says() -> None:
    (idle, question, error), _ = tell(
        notified(
            state=state("Idle", 5, message="Done with the door", uri="https://x.test/pull/1"),
            conditions=[asked(6, id_="q-1", text="May I paint it?"), fault(7, "It fell")],
            phase="Error",
        ),
        FIRST,
        SINK,
    )
    assert (idle.message, idle.uri, idle.at) == ("Done with the door", "https://x.test/pull/1", at(5))
    assert (question.question, question.at) == ("q-1", at(6))
    assert question.message.startswith("May I paint it?")
    assert question.message.endswith("spec.answers: q-1")
    assert (error.reason, error.message, error.at) == ("StartFailed", "It fell", at(7))
