"""Recordings of real agents (tests/agents/record.py made them), read as the sidecar reads a terminal."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import generic_answer, known_answer, programs
from taskyard.sidecar.screen.generic_answer import Mark
from taskyard.sidecar.screen.program import Program
from taskyard.sidecar.screen.programs import Reading
from unit.sidecar.recording import recording

NAMES = ("claude", "codex", "gemini", "opencode", "aider")


@dataclass(frozen=True)
class Scene:
    """The screen at one moment of a recording."""

    terminal: Terminal
    program: Program
    mark: Mark
    typed: str

    @property
    def reading(self) -> Reading:
        return programs.read(self.program, self.terminal)

    @property
    def answer(self) -> str | None:
        """As read after a restart of the sidecar, which saw nothing of how the screen came about."""
        return known_answer.read(self.program, self.reading, self.terminal, self.mark, self.typed, settled=True)

    def shows(self, message: str) -> bool:
        return known_answer.shows(self.program, self.terminal, self.mark, message)


def scene(name: str, which: str) -> Scene:
    known, output = recording(name)
    found = next(one for one in known["scenes"] if one["name"] == which)
    terminal = Terminal(known["columns"], known["rows"])
    mark = generic_answer.beginning(0)
    position = found.get("mark", 0)
    terminal.feed(output[:position])
    terminal.refresh()
    if position:
        mark = Mark.of(terminal, position)
    terminal.feed(output[position : found["end"]])
    terminal.refresh()
    return Scene(terminal, programs.named(known["program"]), mark, found.get("typed", ""))


RECITAL = {
    "claude": (
        "● Here is what I found.\n\n  The build has three steps:\n\n  1. compile\n  2. link\n  3. test\n\n"
        "  def answer():\n      return 42\n\n  That is all."
    ),
    "codex": (
        "• Here is what I found.\n\n  The build has three steps:\n\n  1. compile\n  2. link\n  3. test\n\n"
        "  def answer():\n      return 42\n\n  That is all."
    ),
    "gemini": (
        "✦ Here is what I found.\n\n  The build has three steps:\n\n   1. compile\n   2. link\n   3. test\n\n"
        "   1 def answer():\n   2     return 42\n\n  That is all."
    ),
    "opencode": (
        "Here is what I found.\n\nThe build has three steps:\n\n1. compile\n2. link\n3. test\n\n"
        "def answer():\n    return 42\n\nThat is all."
    ),
    "aider": (
        "Here is what I found.\n\nThe build has three steps:\n\n 1 compile\n 2 link\n 3 test\n\n\n"
        "def answer():\n    return 42\n\n\nThat is all."
    ),
}
USED_A_TOOL = {
    "claude": "● I will write hello.txt.\n\n● Bash(echo 'hi' > hello.txt)\n  ⎿  (No output)\n\n● I wrote hello.txt.",
    "codex": "• I will write hello.txt.\n\n• Ran echo 'hi' > hello.txt\n  └ (no output)\n\n• I wrote hello.txt.",
}


@pytest.mark.parametrize("name", NAMES)
def test_answer_is_what_the_agent_said(name: str) -> None:
    assert scene(f"{name}-work", "recite").answer == RECITAL[name]


@pytest.mark.parametrize("name", USED_A_TOOL)
def test_tools_are_part_of_the_answer(name: str) -> None:
    assert scene(f"{name}-work", "write").answer == USED_A_TOOL[name]


@pytest.mark.parametrize("name", NAMES)
def test_echo_status_lines_and_input_box_are_not_part_of_the_answer(name: str) -> None:
    said = scene(f"{name}-work", "write").answer or ""
    assert "I wrote hello.txt." in said
    for foreign in ("Please write", "then stop", "Worked for", "for shortcuts", "Tokens:", "▣", "\n─────────────────"):
        assert foreign not in said, said


@pytest.mark.parametrize("name", NAMES)
def test_error_is_an_answer(name: str) -> None:
    assert "the script says so" in (scene(f"{name}-work", "fail").answer or "")


@pytest.mark.parametrize("name", NAMES)
def test_it_waits_before_and_after_its_work(name: str) -> None:
    for which in ("start", "write", "think", "recite", "fail"):
        assert scene(f"{name}-work", which).reading.waits, which


@pytest.mark.parametrize("name", NAMES)
def test_it_is_busy_while_its_spinner_turns_and_the_spinner_is_not_an_answer(name: str) -> None:
    working = scene(f"{name}-work", "think working")
    assert working.reading.busy
    assert not working.reading.waits
    assert working.answer == ""


@pytest.mark.parametrize("name", NAMES)
def test_message_of_several_lines_is_found_on_the_screen(name: str) -> None:
    typed = scene(f"{name}-work", "write typed")
    assert typed.shows("Please write hello.txt saying hi\nthen stop.")
    assert not typed.shows("Please write nothing")
    assert scene(f"{name}-work", "write").shows("Please write hello.txt saying hi\nthen stop.")


@pytest.mark.parametrize("name", ["claude", "codex", "gemini", "aider"])
def test_program_is_recognised_by_its_banner(name: str) -> None:
    assert programs.from_screen(scene(f"{name}-work", "start").terminal).name == name


# What OpenCode shows first in a terminal of 1000 lines, by line number.
CENTERED = {
    499: "   ┃",
    500: '   ┃  Ask anything… "What is the tech stack of this project?"',
    501: "   ┃",
    502: "   ┃  Build · Claude Sonnet 4.6 Anthropic",
    503: "   ╹▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀",
    504: "                                                   tab agents  ctrl+p commands",
    998: "  ~/work                                                               1.18.33",
}


def test_input_box_is_found_in_the_middle_of_a_screen_that_is_nearly_empty() -> None:
    terminal = Terminal(80, 1000)
    terminal.feed(b"\x1b[?1049h")
    for number, text in CENTERED.items():
        terminal.feed(f"\x1b[{number + 1};1H{text}".encode())
    terminal.refresh()
    reading = programs.read(programs.named("opencode"), terminal)
    assert reading.waits
    assert reading.box is not None
    assert "Ask anything" in terminal.line(reading.box + 1).text


QUESTIONS = [
    pytest.param("claude-trust", "Quick safety check: Is this a project you created or one you trust?", id="trust"),
    pytest.param("claude-key", "Do you want to use this API key?", id="key"),
    pytest.param(
        "claude-bypass",
        "By proceeding, you accept all responsibility for actions taken while running in Bypass Permissions mode.",
        id="bypass",
    ),
    pytest.param("claude-login", "Not logged in · Run /login", id="no login"),
    pytest.param("claude-permission", "Do you want to proceed?", id="permission"),
    pytest.param("codex-login", "Choose how you want to use Codex.", id="codex: login"),
    pytest.param("gemini-trust", "Do you trust the files in this folder?", id="gemini: trust"),
    pytest.param("gemini-permission", "Allow execution of [Shell]?", id="gemini: permission"),
    pytest.param("opencode-permission", "Permission required", id="opencode: permission"),
    pytest.param(
        "aider-git", "No git repo found, create one to track aider's changes (recommended)?", id="aider: repository"
    ),
]


@pytest.mark.parametrize(("name", "question"), QUESTIONS)
def test_question_is_recognised(name: str, question: str) -> None:
    asking = scene(name, "asks").reading
    assert asking.question == question
    assert not asking.waits


@pytest.mark.parametrize("name", NAMES)
def test_no_moment_of_the_work_looks_like_a_question(name: str) -> None:
    known, output = recording(f"{name}-work")
    terminal = Terminal(known["columns"], known["rows"])
    program = programs.named(name)
    for start in range(0, len(output), 1024):
        terminal.feed(output[start : start + 1024])
        if terminal.refresh():
            assert programs.read(program, terminal).question == "", terminal.text()
