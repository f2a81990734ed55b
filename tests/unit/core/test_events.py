"""Events, derived from the old and the new state."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.vocabulary import BuildPhase, Phase, State
from taskyard.core import events, input_required
from taskyard.core.events import Event, Regarding
from unit.core.builders import NOW, build, reservation

REGARDING = Regarding("team", "web", "uid-1")


def ready(message: str, holds: str = "True") -> dict[str, Any]:
    return {"conditions": [{"type": "Ready", "status": holds, "reason": "X", "message": message}]}


def state(
    name: str = "Working", message: str = "", *, build: int = 1, at: str = "2026-01-31T12:00:09Z"
) -> dict[str, Any]:
    return {"state": name, "message": message, "uri": "", "timestamp": at, "build": build}


def asks(message: str | None) -> dict[str, Any]:
    holds = "False" if message is None else "True"
    condition = {
        "type": "InputRequired",
        "status": holds,
        "reason": "X",
        "message": message or "The agent asks nothing.",
    }
    return {"conditions": [condition]}


def valid(status: str, reason: str) -> dict[str, Any]:
    return {"conditions": [{"type": "Valid", "status": status, "reason": reason, "message": "It warns."}]}


@pytest.mark.parametrize(
    ("former", "status", "expected"),
    [
        pytest.param({}, {}, [], id="not checked yet"),
        pytest.param({}, valid("True", "DryRunPassed"), [], id="valid"),
        pytest.param({}, valid("False", "PodRefused"), [], id="refused"),
        pytest.param({}, valid("Unknown", "QuotaExceeded"), [], id="waiting"),
        pytest.param(
            valid("Unknown", "QuotaExceeded"),
            valid("True", "UnknownField"),
            [Event("Warning", "UnknownField", "Validate", "It warns.")],
            id="a field is unknown",
        ),
        pytest.param(
            {},
            valid("True", "DryRunWarned"),
            [Event("Warning", "DryRunWarned", "Validate", "It warns.")],
            id="another warning",
        ),
        pytest.param(valid("True", "UnknownField"), valid("True", "UnknownField"), [], id="told already"),
    ],
)
def test_of_version(former: dict[str, Any], status: dict[str, Any], expected: list[Event]) -> None:
    assert events.of_version(former, status) == expected


STARTED = {"phase": "Active", "build": reservation(phase="Succeeded"), "state": state()}
MADE_UP = state("Working", "Workspace is pending", at=reservation()["createdAt"])


@pytest.mark.parametrize(
    ("former", "status", "expected"),
    [
        pytest.param({"phase": "Pending"}, {"phase": "Pending"}, [], id="nothing"),
        pytest.param({}, {}, [], id="no status at all"),
        pytest.param(
            {"phase": "Pending"},
            {"phase": "Pending", "build": reservation()},
            [Event("Normal", "BuildStarted", "Start", "Build web-1 (Start, Initial) has begun.")],
            id="first build",
        ),
        pytest.param(
            {"phase": "Active", "build": reservation(1)},
            {
                "phase": "Pausing",
                "build": reservation(2, "Stop", "ManualPause"),
                **ready("It is being stopped.", "False"),
            },
            [
                Event("Normal", "BuildStarted", "Stop", "Build web-2 (Stop, ManualPause) has begun."),
            ],
            id="a stop; its phase on the way is none",
        ),
        pytest.param(
            {"phase": "Pausing"},
            {"phase": "Paused", "pausedReason": "IdleTimeout", **ready("It is stopped.")},
            [Event("Normal", "Paused", "ChangePhase", "It is stopped. Reason: IdleTimeout.")],
            id="paused, with the reason",
        ),
        pytest.param(
            {"phase": "Active"},
            {"phase": "Error", **ready("The agent ended.", "False")},
            [Event("Warning", "Error", "ChangePhase", "The agent ended.")],
            id="an error warns",
        ),
        pytest.param(
            {"phase": "Active"},
            {"phase": "Unknown"},
            [Event("Warning", "Unknown", "ChangePhase", "The Task is Unknown.")],
            id="without conditions",
        ),
        pytest.param({"phase": "Active"}, {"phase": "Dreaming"}, [], id="a phase of a later version"),
        pytest.param(
            {"build": reservation()},
            {"build": reservation(), "state": state("Idle", "Which door?")},
            [Event("Normal", "AgentIdle", "Report", "Which door?")],
            id="first report",
        ),
        pytest.param(
            STARTED,
            {**STARTED, "state": {**state("Complete"), "uri": "https://example.test/1"}},
            [Event("Normal", "AgentComplete", "Report", "The agent reports Complete. (https://example.test/1)")],
            id="another state, with its link",
        ),
        pytest.param(
            STARTED,
            {**STARTED, "state": state("Failed", "No door")},
            [Event("Warning", "AgentFailed", "Report", "No door")],
            id="failure warns",
        ),
        pytest.param(
            STARTED, {**STARTED, "state": state("Working", "Other words")}, [], id="other words are no change"
        ),
        pytest.param(STARTED, {**STARTED, "state": None}, [], id="a state that is removed"),
        pytest.param(
            {"build": reservation()},
            {"build": reservation(), "state": MADE_UP},
            [],
            id="a generated state is no report",
        ),
        pytest.param(
            {"build": reservation(), "state": MADE_UP},
            {"build": reservation(), "state": state("Working", "Reading")},
            [],
            id="the first report of a build, if it works",
        ),
        pytest.param(
            {"build": reservation(), "state": MADE_UP},
            {"build": reservation(), "state": state("Idle", "Which door?")},
            [Event("Normal", "AgentIdle", "Report", "Which door?")],
            id="the first report after a generated state",
        ),
        pytest.param(
            STARTED | {"state": state("Idle")},
            STARTED | {"state": state("Working", "Reading")},
            [Event("Normal", "AgentWorking", "Report", "Reading")],
            id="it works again",
        ),
        pytest.param(
            {"build": reservation(3), "state": state("Working", build=1)},
            {"build": reservation(3), "state": state("Working", build=3)},
            [],
            id="it works in a new build",
        ),
        pytest.param(
            {"build": reservation(3), "state": state("Idle", build=1)},
            {"build": reservation(3), "state": state("Idle", build=3)},
            [Event("Normal", "AgentIdle", "Report", "The agent reports Idle.")],
            id="the same state in a new build",
        ),
        pytest.param(
            {},
            asks("rm waits for input: abc"),
            [Event("Normal", "InputRequired", "Ask", "rm waits for input: abc", once=True)],
            id="the first question",
        ),
        pytest.param(
            asks("One: abc"),
            asks("Two: def"),
            [Event("Normal", "InputRequired", "Ask", "Two: def", once=True)],
            id="a question after another",
        ),
        pytest.param(asks("One: abc"), asks("One: abc"), [], id="a question that stays open"),
        pytest.param(asks("One: abc"), asks(None), [], id="a question that is closed"),
    ],
)
def test_what_happened_to_a_task(former: dict[str, Any], status: dict[str, Any], expected: list[Event]) -> None:
    """5-events."""
    assert events.of_task(former, status) == expected


@pytest.mark.parametrize(
    ("phase", "message", "expected"),
    [
        pytest.param("Succeeded", None, []),
        pytest.param(
            "Failed",
            "no node",
            [Event("Warning", "BuildFailed", "Start", "Build web-1 (Start, Initial) has failed: no node")],
        ),
        pytest.param(
            "Canceled",
            "paused",
            [Event("Normal", "BuildCanceled", "Start", "Build web-1 (Start, Initial) was canceled: paused")],
        ),
        pytest.param("Running", None, []),
    ],
)
def test_the_end_of_a_build(phase: str, message: str | None, expected: list[Event]) -> None:
    former, now = build(), build(phase=phase, message=message)
    assert events.of_build(former, now) == expected
    assert events.of_build(now, now) == [], "it ends once"


def test_a_note_fits() -> None:
    short = events.event("Normal", "Active", "ChangePhase", "ä" * 1000).note
    assert len(short.encode()) <= 1024 and short.endswith("more characters)")


def test_every_reason_is_a_word_of_its_own() -> None:
    reasons = [events.BUILD_STARTED, *(reason for _, reason in events.BUILD_ENDS.values())]
    reasons += [reason for _, reason in (*events.PHASES.values(), *events.STATES.values())]
    assert len(set(reasons)) == len(reasons) == 1 + 2 + (len(Phase) - 3) + len(State)
    assert all(reason.isalpha() and reason[0].isupper() for reason in reasons)
    assert set(events.BUILD_ENDS) == {BuildPhase.FAILED, BuildPhase.CANCELED}


def test_the_event_is_about_this_very_task() -> None:
    event = Event("Normal", "Active", "ChangePhase", "It is there.")
    found = events.manifest(event, REGARDING, name="web.1", instance="pod-" + "x" * 200, at=NOW)
    assert found["regarding"] == {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "Task",
        "namespace": "team",
        "name": "web",
        "uid": "uid-1",
    }
    assert found["eventTime"] == "2026-01-31T12:00:00.000000Z"
    assert len(found["reportingInstance"]) == 128


def test_what_is_told_once_has_the_same_name_each_time() -> None:
    def name(event: Event, random: str, regarding: Regarding = REGARDING) -> str:
        return events.name(event, regarding, random=random)

    one, two = (Event("Normal", "InputRequired", "Ask", note, once=True) for note in ("One: abc", "Two: def"))
    assert name(one, "1") == name(one, "2") != name(two, "1")
    assert name(one, "1") != name(one, "1", Regarding("team", "web", "uid-2"))
    assert name(Event("Normal", "Active", "ChangePhase", "x"), "1") == "web.1"
    assert name(one, "1").startswith("web.")
    first, again, other = (
        Event("Normal", "InputRequired", "Ask", input_required.message(question=id_, text=text, options=[]), once=True)
        for id_, text in (
            ("a", 'sh waits for input: "Sure?"'),
            ("a", "sh waits for input"),
            ("b", "sh waits for input"),
        )
    )
    assert name(first, "1") == name(again, "2") != name(other, "3")
