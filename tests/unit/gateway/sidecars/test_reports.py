"""What a report changes in a Task's status."""

from datetime import UTC, datetime
from typing import Any

import pytest

from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.sidecars.reports import Report, check, status_change

NOW = datetime(2026, 1, 1, 12, 0, 0, 999_999, tzinfo=UTC)
REPORT = Report(app_slug="taskyard", state="idle", message="done", uri="")
STATE = {"state": "Idle", "message": "done", "uri": "", "timestamp": "2026-01-01T12:00:00.999999Z", "build": 3}


def change(report: Report, status: dict[str, Any]) -> dict[str, Any]:
    return status_change(report, status=status, build=3, now=NOW)


def test_the_first_report_is_written_with_its_time_and_build() -> None:
    assert change(REPORT, {}) == {"state": STATE}


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(STATE, id="the same"),
        pytest.param({**STATE, "timestamp": "2025-01-01T00:00:00Z"}, id="the same, long ago"),
        pytest.param({k: v for k, v in STATE.items() if k != "uri"}, id="empty fields left out"),
    ],
)
def test_nothing_is_written_when_only_the_time_would_change(known: dict[str, Any]) -> None:
    assert change(REPORT, {"state": known}) == {}


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({**STATE, "state": "Working"}, id="state"),
        pytest.param({**STATE, "message": "x"}, id="message"),
        pytest.param({**STATE, "uri": "x"}, id="address"),
        pytest.param({**STATE, "build": 2}, id="build"),
    ],
)
def test_any_other_change_is_written(known: dict[str, Any]) -> None:
    assert change(REPORT, {"state": known}) == {"state": STATE}


def test_the_prompts_hash_is_written_by_itself_when_it_is_new() -> None:
    report = REPORT.model_copy(update={"prompt_sha256": "ab"})
    assert change(report, {"state": STATE}) == {"promptSHA256": "ab"}
    assert change(report, {"state": STATE, "promptSHA256": "ab"}) == {}
    assert change(REPORT, {"state": STATE, "promptSHA256": "ab"}) == {}


def test_what_a_terminal_would_not_print_is_left_out() -> None:
    report = REPORT.model_copy(update={"message": "a\x1b[2Jb", "uri": "http://x/\x1b[2J\n"})
    state = change(report, {})["state"]
    assert (state["message"], state["uri"]) == ("ab", "http://x/[2J")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"message": "x" * 161, "state": "?", "app_slug": "?"}, "Message is too long.", id="first"),
        pytest.param({"state": "?", "app_slug": "?"}, "Invalid state provided.", id="second"),
        pytest.param({"app_slug": "?"}, "Failed to get workspace app.", id="third"),
    ],
)
def test_faults_are_reported_in_their_order(fields: dict[str, str], message: str) -> None:
    with pytest.raises(HttpError, match=message):
        check(REPORT.model_copy(update=fields))


def test_a_message_of_160_bytes_is_accepted() -> None:
    check(REPORT.model_copy(update={"message": "é" * 80}))


ASKED = {"id": "q-1", "text": "rm -rf\x1b build", "options": [{"id": "once", "name": "Allow"}]}


def test_a_question_becomes_a_condition_that_is_removed_when_it_is_answered() -> None:
    asking = Report(app_slug="taskyard", state="idle", message="done", question=ASKED)  # type: ignore[arg-type]
    others = [{"type": "Ready", "status": "True", "message": "all is well"}]
    status: dict[str, Any] = {"state": STATE, "conditions": others, "observedGeneration": 4}
    [ready, asked] = change(asking, status)["conditions"]
    assert ready == others[0]
    assert (asked["type"], asked["status"], asked["observedGeneration"]) == ("InputRequired", "True", 4)
    assert asked["message"].startswith('The agent asks: rm -rf build? Possible answers: "Allow"')
    assert asked["message"].endswith(": q-1")
    status["conditions"] = [ready, asked]
    assert change(asking, status) == {}
    assert change(REPORT, status) == {}, "a report without a question says nothing of it"
    answered = Report(app_slug="taskyard", state="idle", message="done", question=None)
    [_, ended] = change(answered, status)["conditions"]
    assert (ended["status"], ended["reason"]) == ("False", "NothingAsked")


def reported(**fields: Any) -> Report:
    return Report(app_slug="taskyard", state="idle", message="done", **fields)


@pytest.mark.parametrize(
    ("question", "says"),
    [
        pytest.param({"id": "t-1", "text": "python3 waits for input"}, "spec.answers: t-1", id="any text"),
        pytest.param({"text": "A dialog is open", "options": []}, "a TaskInput of type Raw", id="keystrokes"),
    ],
)
def test_a_program_that_waits_for_a_person_is_told_by_its_own_reason(question: dict[str, Any], says: str) -> None:
    """T3"""
    [asked] = change(reported(question=question), {"state": STATE})["conditions"]
    assert (asked["type"], asked["status"], asked["reason"]) == ("InputRequired", "True", "WaitsForInput")
    assert asked["message"].startswith(question["text"])
    assert asked["message"].endswith(says)


def test_what_keeps_the_prompt_from_the_agent_is_kept_until_the_sidecar_says_that_nothing_does() -> None:
    """T2"""
    starting = {"reason": "NotReading", "message": "npm\x1b runs"}
    stored = {"reason": "NotReading", "message": "npm runs"}
    known: dict[str, Any] = {"state": STATE, "workspace": {"sidecarVersion": "0.2.0"}}
    assert change(reported(starting=starting), known) == {"workspace": {"starting": stored}}
    known["workspace"]["starting"] = stored
    assert change(reported(starting=starting), known) == {}
    assert change(REPORT, known) == {}, "a report of an older sidecar, or of the agent itself, says nothing of it"
    assert change(reported(starting=None), known) == {"workspace": {"starting": None}}
    assert change(reported(starting=None), {"state": STATE}) == {}
