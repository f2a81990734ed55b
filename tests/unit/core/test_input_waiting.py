"""What a queued input says about its waiting."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from taskyard.core.input_view import InputView
from taskyard.core.input_waiting import before, news
from taskyard.core.task_view import TaskView
from taskyard.core.text_limits import MAX_MESSAGE_CHARACTERS
from unit.core.builders import Manifest, at, reservation, task, task_input

BUSY = "a message can only be sent when the agent is waiting for user input"
ASKED: Manifest = {
    "type": "InputRequired",
    "status": "True",
    "reason": "PermissionRequested",
    "message": "?",
    "lastTransitionTime": "2026-01-31T12:00:00Z",
}


def of(phase: str, *, paused: bool = False, reason: str | None = None, **status: Any) -> TaskView:
    stops = phase in ("Paused", "Pausing")
    build = reservation(2, "Stop", "AutoPause", "Succeeded") if stops else reservation(phase="Succeeded")
    found = {"phase": phase, "build": build, **({"pausedReason": reason} if reason else {}), **status}
    return task(paused=paused, status=found)


def messages(
    seen: TaskView | None, *waiting: InputView, refused: str | None = None, cause: str = BUSY
) -> dict[str, str]:
    """What is to be written, by the name of the input; the agent did not take the one whose name is `refused`."""
    given = (f"input-{refused}", cause) if refused else None
    return {told.input.name: told.message for told in news(seen, list(waiting), refused=given, silent=())}


def said(seen: TaskView | None, entry: InputView | None = None, **more: Any) -> str:
    return messages(seen, entry or task_input(), **more).get("one", "")


@pytest.mark.parametrize(
    ("seen", "entry", "says"),
    [
        pytest.param(None, task_input(), 'There is no Task "web" in namespace "team" yet', id="no Task"),
        pytest.param(None, task_input(), "within 10 minutes of this input, and rejected otherwise", id="how long"),
        pytest.param(
            None, task_input(status={"taskUID": "x"}), 'The Task "web" for which it was created is not there', id="gone"
        ),
        pytest.param(
            of("Paused", paused=True, reason="Manual"),
            task_input(),
            'Task "web" is paused (spec.paused): it is delivered when somebody resumes the Task.',
            id="paused by a person",
        ),
        pytest.param(
            of("Paused", paused=True, reason="Manual"),
            task_input(resume=True),
            "resume of an input does not resume a Task that a person paused",
            id="paused by a person, though it resumes",
        ),
        pytest.param(
            of("Pausing", paused=True), task_input(), "is paused (spec.paused)", id="being paused: one text for both"
        ),
        pytest.param(
            of("Paused", reason="IdleTimeout"),
            task_input(),
            "has paused by itself (IdleTimeout), and this input does not resume it: its field resume is not set",
            id="paused by itself",
        ),
        pytest.param(
            of("Paused", reason="IdleTimeout"), task_input(), "annotation taskyard.dev/resumed-at", id="with the remedy"
        ),
        pytest.param(of("Paused", reason="IdleTimeout"), task_input(resume=True), "is to be resumed", id="it resumes"),
        pytest.param(of("Paused", reason="Manual"), task_input(), "is to be resumed", id="the pause was taken back"),
        pytest.param(of("Pending"), task_input(), 'Task "web" is Pending: its agent is not ready', id="pending"),
        pytest.param(of("Initializing"), task_input(), "is Initializing", id="starting"),
        pytest.param(of("Error"), task_input(), "is Error", id="error"),
        pytest.param(task(status={}), task_input(), "is Pending", id="not looked at yet"),
    ],
)
def test_a_waiting_input_says_why(seen: TaskView | None, entry: InputView, says: str) -> None:
    assert says in said(seen, entry)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        pytest.param({"state": {"state": "Working"}}, "The agent is busy: it is delivered when", id="works"),
        pytest.param({}, f"The agent does not take it yet: {BUSY}.", id="the sidecar's own words"),
        pytest.param({"conditions": [ASKED]}, "waits for an answer to its question, and this is none", id="asks"),
        pytest.param(
            {"conditions": [ASKED], "state": {"state": "Working"}}, "answer to its question", id="asks in a turn"
        ),
    ],
)
def test_an_input_that_an_active_agent_does_not_take_says_why(status: Manifest, says: str) -> None:
    assert says in said(of("Active", **status), refused="one")
    assert said(of("Active", **status)) == "", "it was not tried yet"


def test_those_behind_say_how_many_are_before_them() -> None:
    line = [task_input(str(number), created_at=at(number)) for number in range(5)]
    found = messages(of("Active", state={"state": "Working"}), *line, refused="0")
    assert found == {
        "0": "The agent is busy: it is delivered when the agent waits for input again.",
        "1": "One input is before it.",
        "2": "2 inputs are before it.",
        "3": "3 inputs are before it.",
        "4": "More than 3 inputs are before it.",
    }


def test_what_does_not_wait_in_line_has_nothing_before_it_and_counts_for_nobody() -> None:
    line = [task_input("keys", type="Raw"), task_input("first"), task_input("yes", answers="q-1")]
    found = messages(of("Error"), *line, task_input("second"))
    assert {name: message.split(":")[0] for name, message in found.items()} == {
        "keys": 'Task "web" is Error',
        "first": 'Task "web" is Error',
        "yes": 'Task "web" is Error',
        "second": "One input is before it.",
    }


def test_all_inputs_of_a_paused_task_say_that_it_is_paused() -> None:
    found = messages(of("Paused", paused=True), task_input("a"), task_input("b"))
    assert len(set(found.values())) == 1


def test_one_input_that_resumes_the_task_is_news_for_all_of_them() -> None:
    found = messages(of("Paused", reason="IdleTimeout"), task_input("a"), task_input("b", resume=True))
    assert all("is to be resumed" in message for message in found.values())
    keys = messages(of("Paused", reason="IdleTimeout"), task_input("a"), task_input("b", type="Raw", resume=True))
    assert "does not resume it" in keys["a"]


def test_a_message_that_stands_is_not_written_again() -> None:
    first = said(of("Pending"))
    assert said(of("Pending"), task_input(status={"message": first})) == ""


def test_what_has_no_place_yet_or_is_deleted_or_says_something_else_is_left_alone() -> None:
    assert said(of("Pending"), task_input(order=None)) == ""
    assert said(task(status={"phase": "Active"}, deleting=True)) == ""
    assert news(of("Pending"), [task_input()], refused=None, silent={"input-one"}) == []


def test_a_queue_of_hundreds_is_not_written_anew_whenever_one_leaves_it() -> None:
    texts = [before(ahead) for ahead in range(1, 257)]
    assert len(set(texts)) == 7
    changes = sum(now != then for now, then in pairwise(texts))
    assert changes == 6, "so few of a queue change when it moves up by one"
    assert texts[99] == "More than 30 inputs are"
    assert texts[100] == "More than 100 inputs are"


def test_texts_fit_their_limit() -> None:
    assert len(said(of("Paused", reason="IdleTimeout"))) < MAX_MESSAGE_CHARACTERS
