"""What is kept of a Task to tell of it."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.task import TaskNotifications
from taskyard.core.input_required import message
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.limits import MAX_QUESTION_CHARACTERS
from unit.core.builders import at, reservation, task_manifest
from unit.core.notifications.notified import condition, fault, notified, state

Manifest = dict[str, Any]


def test_a_task_without_a_status() -> None:
    manifest = task_manifest()
    del manifest["status"]
    view = NotifiedTask.of(manifest)
    assert (view.phase, view.build, view.title, view.was_active) == ("Pending", 0, "web", False)
    assert (view.state, view.question, view.fault, view.records) == (None, None, None, ())


def test_a_status_of_another_task_does_not_count() -> None:
    own, restored = notified(state=state("Idle", 5)), notified(state=state("Idle", 5), status={"observedUID": "other"})
    assert own.state is not None
    assert (restored.state, restored.build, restored.phase) == (None, 0, "Pending")


@pytest.mark.parametrize(
    ("reported", "expected"),
    [
        pytest.param(state("Working", 5), True, id="reported by the agent"),
        pytest.param(state("Working", 0), False, id="made up by the operator for the start"),
        pytest.param(None, False, id="none"),
    ],
)
def test_only_what_the_agent_reported_is_its_state(reported: Manifest | None, expected: bool) -> None:
    assert (notified(reservation(), state=reported).state is not None) is expected


@pytest.mark.parametrize(
    ("conditions", "phase", "expected"),
    [
        pytest.param([fault(5)], "Error", True, id="an error"),
        pytest.param([fault(5)], "Paused", False, id="a failed command that is paused"),
        pytest.param([], "Error", False, id="not yet told why"),
        pytest.param([fault(5) | {"status": "False"}], "Error", False, id="healed"),
    ],
)
def test_a_fault_is_an_error_that_a_condition_tells(conditions: list[Manifest], phase: str, expected: bool) -> None:
    assert (notified(conditions=conditions, phase=phase).fault is not None) is expected


def question(text: str, seconds: float = 5) -> str:
    found = notified(conditions=[condition("InputRequired", seconds, text)]).question
    assert found is not None
    assert found.at == at(seconds)
    assert found.text == text
    # It has to fit into the status.
    TaskNotifications.model_validate({"sink": "owner", "sinkUID": "1", "question": found.id})
    return found.id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(message(question="perm-7", text="May I?", options=["once"]), "perm-7", id="with answers"),
        pytest.param(
            message(question="ask-1", text="python3 waits for input", options=[]), "ask-1", id="with any text"
        ),
        pytest.param(
            message(question="q-2", text="Read spec.answers: q-1", options=["a"]), "q-2", id="after one in its words"
        ),
    ],
)
def test_a_question_has_the_id_in_its_message(text: str, expected: str) -> None:
    assert question(text) == expected


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("python3 waits for input", id="none"),
        pytest.param("Type spec.answers: q-1", id="words that look like one"),
        pytest.param("spec.answers: " + "q" * (MAX_QUESTION_CHARACTERS - 14), id="more than an id has"),
        pytest.param("\ud83d", id="half a character"),
    ],
)
def test_a_question_without_an_id_has_a_digest_of_its_words_and_its_time(words: str) -> None:
    text = message(question=None, text=words, options=[])
    assert len(question(text)) == 32
    assert question(text) == question(text)
    assert question(text) != question(text, seconds=6)
    assert question(text) != question(text + "!")
