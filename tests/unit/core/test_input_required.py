from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from taskyard.api.vocabulary import BuildReason, Transition
from taskyard.core import status
from taskyard.core.decision import Reserve
from taskyard.core.input_required import asked_at, message, with_question
from taskyard.core.observed import Observed
from taskyard.core.times import rfc3339
from unit.core.builders import NOW, at, build, pod, running

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


def asks(*, conditions: list[dict[str, Any]] | None = None, **fields: Any) -> Observed:
    """A Task whose agent asks, by default in a Pod that runs; it was asked a minute ago."""
    asked = {**condition(True, "a"), "lastTransitionTime": rfc3339(at(-60))}
    return running(status={"conditions": [READY, asked] if conditions is None else conditions}, **fields)


def question(seen: Observed, **fields: Any) -> dict[str, Any] | None:
    """InputRequired in the status document."""
    found = status.document(seen, **fields)["conditions"]
    return next((each for each in found if each["type"] == "InputRequired"), None)


ANSWERED = {**condition(False, "The agent asks nothing."), "lastTransitionTime": rfc3339(NOW)}
FAILED_START = (build(phase="Failed", pod_uid="pod-1", message="its Pod was lost"),)


def test_a_question_stays_while_its_pod_is_there() -> None:
    assert question(asks()) == {**condition(True, "a"), "lastTransitionTime": rfc3339(at(-60))}


@pytest.mark.parametrize(
    ("seen", "reserve"),
    [
        pytest.param(asks(), Reserve(2, Transition.STOP, BuildReason.MANUAL_PAUSE), id="a pause"),
        pytest.param(asks(), Reserve(2, Transition.STOP, BuildReason.AUTO_PAUSE), id="an automatic pause"),
        pytest.param(asks(pods=()), Reserve(2, Transition.START, BuildReason.RECOVER), id="a recovery"),
        pytest.param(asks(pods=()), None, id="the end of its Pod, before the recovery"),
        pytest.param(asks(pods=(pod(phase="Failed"),)), None, id="a Pod that was evicted"),
        pytest.param(replace(asks(pods=()), builds=FAILED_START), None, id="a build that failed"),
    ],
)
def test_a_question_that_nobody_can_answer_any_more_is_false_and_not_absent(
    seen: Observed, reserve: Reserve | None
) -> None:
    """K16"""
    assert question(seen, reserve=reserve) == ANSWERED


def test_the_end_of_a_question_is_written_once_and_keeps_its_time() -> None:
    """K16"""
    seen = asks(pods=(), conditions=[READY, {**ANSWERED, "lastTransitionTime": rfc3339(at(-30))}])
    assert question(seen) == {**ANSWERED, "lastTransitionTime": rfc3339(at(-30))}


def test_a_task_that_was_never_asked_has_no_such_condition() -> None:
    assert question(asks(conditions=[READY]), reserve=Reserve(2, Transition.STOP, BuildReason.MANUAL_PAUSE)) is None


def test_a_question_is_of_the_generation_that_the_status_is_of() -> None:
    """K16"""
    newer = asks()
    newer = replace(newer, task=replace(newer.task, generation=3))
    found = question(newer)
    assert found is not None
    assert (found["status"], found["observedGeneration"]) == ("True", 3)
    assert found["lastTransitionTime"] == rfc3339(at(-60))
