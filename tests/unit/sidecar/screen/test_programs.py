"""Input boxes and dialogs of real programs, as recorded (tests/agents/record.py)."""

# ruff: noqa: RUF001 - the programs' prompts are what they are

from __future__ import annotations

import pytest

from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import programs
from taskyard.sidecar.screen.programs import Reading
from unit.sidecar.screen.test_known_answer import NAMES, scene

DIALOGS = [
    pytest.param("claude", "/cost", "Settings Status Config Usage Stats", id="claude: cost"),
    pytest.param("claude", "/model", "Select model", id="claude: model"),
    pytest.param("claude", "/resume", "Resume session", id="claude: resume"),
    pytest.param("codex", "/model", "Select Model and Effort", id="codex: model"),
    pytest.param("codex", "/review", "Select a review preset", id="codex: review"),
    pytest.param("codex", "/theme", "Select Syntax Theme", id="codex: theme"),
    pytest.param("gemini", "/settings", "(Use Enter to select", id="gemini: settings"),
    pytest.param("gemini", "/theme", "> Select Theme", id="gemini: theme"),
    pytest.param("opencode", "/help", "Help", id="opencode: help"),
    pytest.param("opencode", "/models", "Select model", id="opencode: models"),
]
WITH_A_SHELL = ("claude", "codex", "gemini", "opencode")


@pytest.mark.parametrize(("name", "command", "title"), DIALOGS)
def test_dialog_of_a_command_is_a_question_until_it_is_closed(name: str, command: str, title: str) -> None:
    """A2, A5"""
    asking = scene(f"{name}-control", f"{command} asks").reading
    assert asking.question.startswith(title)
    assert not asking.waits


@pytest.mark.parametrize(("name", "command"), [param.values[:2] for param in DIALOGS])
def test_closed_dialog_is_no_question_any_more(name: str, command: str) -> None:
    """A2"""
    closed = scene(f"{name}-control", f"{command} closed").reading
    assert closed.question == ""
    assert closed.waits


@pytest.mark.parametrize(("name", "command"), [param.values[:2] for param in DIALOGS])
def test_box_is_found_while_completions_of_a_command_are_listed(name: str, command: str) -> None:
    """A12"""
    typed = scene(f"{name}-control", f"{command} typed").reading
    assert typed.box is not None
    assert not typed.empty


@pytest.mark.parametrize("name", WITH_A_SHELL)
def test_box_is_found_while_it_would_run_its_text_in_a_shell(name: str) -> None:
    """A12"""
    typed = scene(f"{name}-control", "shell typed").reading
    assert typed.box is not None
    assert not typed.says
    assert not typed.empty


@pytest.mark.parametrize("name", WITH_A_SHELL)
def test_keys_of_the_program_lead_out_of_its_shell(name: str) -> None:
    """A4"""
    left = scene(f"{name}-control", "shell left").reading
    assert left.says
    assert left.empty


@pytest.mark.parametrize("name", NAMES)
def test_box_that_holds_text_is_not_empty_until_its_keys_were_pressed(name: str) -> None:
    """A4"""
    assert scene(f"{name}-work", "start").reading.empty
    holds = scene(f"{name}-control", "box holds").reading
    assert holds.waits
    assert not holds.empty
    assert scene(f"{name}-control", "box emptied").reading.empty


@pytest.mark.parametrize("name", NAMES)
def test_box_with_two_hundred_lines_is_found_and_not_empty(name: str) -> None:
    """A12, T16"""
    typed = scene(f"{name}-long", "long sent typed").reading
    assert typed.box is not None
    assert not typed.empty


@pytest.mark.parametrize("name", NAMES)
def test_box_is_empty_after_two_hundred_lines_were_answered(name: str) -> None:
    """T16"""
    answered = scene(f"{name}-long", "long").reading
    assert answered.waits
    assert answered.empty


@pytest.mark.parametrize(
    ("name", "question"), [("claude", "Paste code here if prompted >"), ("codex", "Paste or type your API key below.")]
)
def test_dialog_that_wants_a_code_or_a_key_is_a_question(name: str, question: str) -> None:
    """T15"""
    asking = scene(f"{name}-code", "asks").reading
    assert asking.question == question
    assert asking.box is None


def shown(text: str) -> Terminal:
    terminal = Terminal(80, 50)
    terminal.feed(text.replace("\n", "\r\n").encode())
    terminal.refresh()
    return terminal


def test_login_code_that_gemini_wants_outside_of_its_frames_is_a_question() -> None:
    """T15"""
    reading = programs.read(
        programs.named("gemini"), shown("https://accounts.example.com/o/oauth2\n\nEnter the authorization code: ")
    )
    assert reading.question == "Enter the authorization code"


@pytest.mark.parametrize(
    ("name", "reading", "box", "took"),
    [
        pytest.param("opencode", Reading(9, busy=False, question="Help"), ["┃"], False, id="a dialog opened"),
        pytest.param("codex", Reading(9, busy=False), ["› /foo"], False, id="it stands in the box"),
        pytest.param("codex", Reading(9, busy=False), ["›"], True, id="it left the box"),
        pytest.param("codex", Reading(9, busy=True), ["› /foo"], True, id="it works"),
        pytest.param("claude", Reading(None, busy=False), [], False, id="the box is drawn anew"),
        pytest.param("aider", Reading(None, busy=False), [], True, id="it works without a box"),
    ],
)
def test_message_was_taken_when_it_left_the_box_or_the_program_works(
    name: str, reading: Reading, box: list[str], took: bool
) -> None:
    """A5"""
    assert programs.took(programs.named(name), reading, box, "› /foo") is took
