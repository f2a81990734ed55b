from __future__ import annotations

from typing import Any

import pytest

from taskyard.core import status
from taskyard.core.decision import Reserve
from taskyard.core.input_required import asked_at, message, with_question, without_question
from unit.core.builders import NOW, build, observed, pod, reservation, task

LATER = "2026-01-31T12:00:05Z"


def condition(holds: bool, text: str) -> dict[str, Any]:
    return {
        "type": "InputRequired",
        "status": "True" if holds else "False",
        "reason": "PermissionRequested" if holds else "NothingAsked",
        "message": text,
        "lastTransitionTime": "2026-01-31T12:00:00Z",
        "observedGeneration": 1,
    }


READY = {**condition(True, "all is well"), "type": "Ready", "reason": "Active"}


def test_question_tells_how_it_is_answered() -> None:
    text = message(question="q-1", text="rm -rf build", options=["Allow", "Reject"])
    assert text == (
        'The agent asks: rm -rf build? Possible answers: "Allow", "Reject", yes or no. '
        "Answer with a TaskInput that has this id in spec.answers: q-1"
    )


def test_a_program_that_waits_for_a_text_tells_both_ways_to_answer() -> None:
    """T3"""
    assert message(question="t-1", text="python3 waits for input", options=[]) == (
        "python3 waits for input. Answer with keystrokes (a TaskInput of type Raw), or with a text in a TaskInput that "
        "has this id in spec.answers: t-1"
    )
    assert message(question=None, text="A dialog is open.", options=[]) == (
        "A dialog is open. Answer with keystrokes: a TaskInput of type Raw"
    )


def test_since_when_a_person_is_asked() -> None:
    assert asked_at([READY, condition(True, "a")]) == NOW
    assert asked_at([READY, condition(False, "a")]) is None
    assert asked_at([READY]) is None


@pytest.mark.parametrize(
    ("former", "asked", "expected"),
    [
        pytest.param([READY], None, None, id="nothing was asked, nothing is"),
        pytest.param([READY, condition(True, "a")], "a", None, id="the same is asked"),
        pytest.param([condition(False, "The agent asks nothing.")], None, None, id="still nothing"),
        pytest.param(
            [READY, condition(True, "a")],
            "b",
            [READY, condition(True, "b")],
            id="another question: it has been asking since",
        ),
        pytest.param(
            [condition(True, "a"), READY],
            None,
            [READY, {**condition(False, "The agent asks nothing."), "lastTransitionTime": LATER}],
            id="it was answered",
        ),
        pytest.param(
            [READY], "a", [READY, {**condition(True, "a"), "lastTransitionTime": LATER}], id="the first question"
        ),
    ],
)
def test_conditions_with_a_question(
    former: list[dict[str, Any]], asked: str | None, expected: list[dict[str, Any]] | None
) -> None:
    assert with_question(former, asked=asked, generation=1, now=LATER) == expected


def test_others_stay_when_a_question_ends() -> None:
    assert without_question([READY, condition(True, "a")]) == [READY]


def kinds(document: dict[str, Any]) -> set[str]:
    return {found["type"] for found in document["conditions"]}


def test_question_ends_with_the_build_in_which_it_was_asked() -> None:
    shown = {"phase": "Active", "build": reservation(phase="Succeeded"), "conditions": [condition(True, "a")]}
    start = build(phase="Succeeded", pod_uid="pod-1", finished_at=NOW)
    seen = observed(task(status=shown), builds=(start,), pods=(pod(),))
    assert "InputRequired" in kinds(status.document(seen))
    stop = status.document(seen, reserve=Reserve(2, "Stop", "ManualPause"))  # type: ignore[arg-type]
    assert "InputRequired" not in kinds(stop)
