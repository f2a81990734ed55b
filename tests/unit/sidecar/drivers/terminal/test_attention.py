"""The states of a program in a terminal, moved by hand: its screen is fed, the kernel's word and the time are given."""

from __future__ import annotations

import pytest

from taskyard.core.ready_pattern import ReadyPattern
from taskyard.limits import MAX_STARTING_CHARACTERS
from taskyard.sidecar.drivers.terminal import activity
from taskyard.sidecar.drivers.terminal.attention import Attention, State
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.init.frames import Foreground, Reader, TerminalState
from taskyard.sidecar.screen.question import AnsweredBy

STABLE = 2.0
READS = TerminalState(Foreground.OWN, "sh", canonical=True, echo=True, reader=Reader.YES)
NOBODY = TerminalState(Foreground.OWN, "sh", canonical=True, echo=True, reader=Reader.NO)
JOB = TerminalState(Foreground.OTHER, "sleep", canonical=True, echo=True, reader=Reader.NO)
JOB_READS = TerminalState(Foreground.OTHER, "read", canonical=True, echo=True, reader=Reader.YES)


class Program:
    """A run of a program that began at second 0."""

    def __init__(
        self, *, agent_type: str = "", ready: str = "", start_timeout: float = 30.0, begun: bool = False
    ) -> None:
        self.terminal = Terminal(80, 24)
        self.attention = Attention(
            stable_after=STABLE,
            agent_type=agent_type,
            ready=ReadyPattern(ready) if ready else None,
            start_timeout=start_timeout,
        )
        self.attention.begin_run(0.0, begun=begun, spoke=False)

    def shows(self, text: str, now: float) -> bool:
        self.attention.output()
        self.terminal.feed(text.encode())
        assert self.terminal.refresh()
        return self.attention.look(self.terminal, now, may_be_known=True)

    def rests(self, now: float) -> State:
        """The state after a rest until `now`."""
        self.attention.settle(self.terminal, now)
        return self.attention.state


def test_rest_ends_with_the_next_change_and_begins_anew() -> None:
    program = Program()
    program.shows("one", 1.0)
    assert program.attention.rest_left(2.0) == 1.0
    assert program.rests(2.9) is State.WORKING
    assert program.rests(3.0) is State.WAITING
    assert program.attention.rest_left(3.0) is None
    assert program.shows(" two", 4.0)
    assert program.attention.state is State.WORKING
    assert program.rests(6.0) is State.WAITING


def test_silent_job_is_work_for_ever_and_one_that_reads_asks() -> None:
    program = Program()
    program.attention.tell(READS, 0.0)
    program.shows("$ ", 0.0)
    assert program.rests(STABLE) is State.WAITING
    assert program.attention.tell(JOB, 5.0)
    assert program.attention.rest_left(500.0) is None
    assert program.rests(1000.0) is State.WORKING
    program.attention.tell(JOB_READS, 1000.0)
    assert program.rests(1000.0 + STABLE) is State.ASKING
    assert program.attention.question == "read waits for input"
    assert program.attention.tell(READS, 1010.0)
    assert program.attention.question == ""
    assert program.rests(1010.0 + STABLE) is State.WAITING


def test_kernel_that_repeats_itself_changes_nothing() -> None:
    program = Program()
    program.shows("$ ", 0.0)
    program.attention.tell(READS, 0.0)
    assert program.rests(STABLE) is State.WAITING
    assert not program.attention.tell(READS, 5.0)
    assert program.attention.state is State.WAITING


def test_start_is_over_once_the_program_waits_and_never_comes_back() -> None:
    program = Program(start_timeout=30.0)
    assert program.attention.tell(NOBODY, 0.0)
    assert program.attention.starting
    assert program.attention.not_reading(29.0, program.terminal) == ""
    assert program.attention.rest_left(10.0) == 20.0
    assert "no process has read" in program.attention.not_reading(30.0, program.terminal)
    assert program.attention.rest_left(30.0) is None
    program.attention.tell(READS, 40.0)
    assert not program.attention.starting
    assert program.attention.not_reading(40.0, program.terminal) == ""
    assert program.rests(40.0 + STABLE) is State.WAITING
    program.attention.tell(NOBODY, 50.0)
    assert not program.attention.starting


def test_question_before_the_first_message_does_not_end_the_start() -> None:
    program = Program()
    program.attention.tell(JOB_READS, 0.0)
    assert program.rests(STABLE) is State.ASKING
    program.attention.tell(NOBODY, 10.0)
    assert program.attention.starting


def test_run_that_had_a_message_does_not_start_again() -> None:
    program = Program(begun=True)
    program.attention.tell(NOBODY, 0.0)
    assert not program.attention.starting


@pytest.mark.parametrize(
    ("shown", "is_ready"),
    [("🤖> ", True), ("你好> ", True), ("👩‍👩‍👧‍👦 1️⃣> ", True), ("한> ", True), ("你好>", False), ("🤖>  ", False)],
)
def test_pattern_finds_a_prompt_with_wide_characters(shown: str, is_ready: bool) -> None:
    program = Program(ready=r"^\S+(?: \S+)?> $")
    program.shows(shown, 0.0)
    assert program.attention.starting is not is_ready


@pytest.mark.parametrize(("shown", "is_ready"), [("Ready> ", True), ("Ready>", False), ("x\r\nReady> ", True)])
def test_pattern_is_searched_as_a_person_sees_the_screen_with_the_blank_before_the_cursor(
    shown: str, is_ready: bool
) -> None:
    program = Program(ready=r"^Ready> $")
    program.shows(shown, 0.0)
    assert program.attention.starting is not is_ready
    program.shows("\x1b[2J\x1b[Hgone", 1.0)
    assert program.attention.starting is not is_ready


def test_pattern_that_was_not_shown_is_named() -> None:
    program = Program(ready="^Ready> ")
    program.shows("busy", 0.0)
    assert program.attention.not_reading(30.0, program.terminal) == (
        'the screen has not shown agent.ready (^Ready> ) for 30 s; the last line on it was then: "busy"'
    )


def test_program_that_never_reads_is_told_of_with_the_last_line_of_its_screen_at_that_time() -> None:
    program = Program(start_timeout=30.0)
    program.attention.tell(NOBODY, 0.0)
    program.shows("Cloning into 'repo'...\r\n", 1.0)
    told = program.attention.not_reading(30.0, program.terminal)
    assert told == (
        "no process has read the agent's terminal for 30 s; the last line on it was then: \"Cloning into 'repo'...\""
    )
    program.shows("Receiving objects: 1%\r\n", 40.0)
    assert program.attention.not_reading(40.0, program.terminal) == told
    program.attention.begin_run(50.0, begun=False, spoke=False)
    program.attention.tell(NOBODY, 50.0)
    assert "1%" in program.attention.not_reading(90.0, program.terminal)


def test_screen_without_echo_is_not_told_of_when_nothing_reads_it() -> None:
    program = Program(start_timeout=30.0)
    program.attention.tell(NOBODY._replace(echo=False), 0.0)
    program.shows("swordfish", 1.0)
    assert "swordfish" not in program.attention.not_reading(30.0, program.terminal)


def test_long_pattern_leaves_room_for_the_line() -> None:
    program = Program(ready="x" * 256)
    program.shows("Cloning", 0.0)
    told = program.attention.not_reading(30.0, program.terminal)
    assert told.endswith('"Cloning"') and len(told) < MAX_STARTING_CHARACTERS


def test_program_that_asks_is_told_of_with_its_line_and_typing_changes_no_id() -> None:
    program = Program(begun=True)
    program.shows("$ rm -i file\r\nrm: remove 'file'? ", 0.0)
    program.attention.tell(JOB_READS._replace(command="rm"), 0.0)
    assert program.rests(STABLE) is State.ASKING
    asked = program.attention.asked("run", 1)
    assert asked is not None and asked.text == "rm waits for input: \"rm: remove 'file'?\""
    program.attention.pressed("y")
    program.shows("y", 10.0)
    assert program.attention.asked("run", 1) is None
    assert program.rests(10.0 + STABLE) is State.ASKING
    assert program.attention.asked("run", 1) == asked


def test_known_program_that_reads_without_echo_shows_nothing_of_its_screen() -> None:
    program = Program(agent_type="claude")
    program.attention.tell(TerminalState(Foreground.OWN, "claude", True, False, Reader.YES), 0.0)
    program.shows("swordfish", 0.0)
    assert program.rests(activity.LONG_REST) is State.ASKING
    assert program.attention.question == "claude waits for input without echo"


def test_known_program_without_its_input_box_asks_with_its_last_words() -> None:
    program = Program(agent_type="claude")
    program.attention.tell(TerminalState(Foreground.OWN, "claude", False, False, Reader.YES), 0.0)
    program.shows("│ Paste your API key: │\r\n╰──────╯", 0.0)
    assert program.rests(activity.LONG_REST - 1) is State.WORKING
    assert program.rests(activity.LONG_REST) is State.ASKING
    assert program.attention.question == "Paste your API key:"
    asked = program.attention.asked("run", 1)
    assert asked is not None and asked.answered_by is AnsweredBy.TEXT


@pytest.mark.parametrize("shown", ["  [ Allow ]   [ Deny ]", "Continue with the new terms"])
def test_known_program_with_a_dialog_without_a_pattern_takes_keys_alone(shown: str) -> None:
    """A2: it may have buttons, and Enter would press one."""
    program = Program(agent_type="opencode")
    program.attention.tell(TerminalState(Foreground.OWN, "opencode", False, False, Reader.YES), 0.0)
    program.shows(shown, 0.0)
    assert program.rests(activity.LONG_REST) is State.ASKING
    asked = program.attention.asked("run", 1)
    assert asked is not None and asked.answered_by is AnsweredBy.KEYS
    program.shows("\x1b[2J\x1b[HPaste your API key:", 100.0)
    assert program.rests(100.0 + activity.LONG_REST) is State.ASKING
    asked = program.attention.asked("run", 1)
    assert asked is not None and asked.answered_by is AnsweredBy.TEXT


def test_question_keeps_its_id_until_another_is_asked() -> None:
    program = Program()
    program.attention.tell(JOB_READS, 0.0)
    assert program.rests(STABLE) is State.ASKING
    first = program.attention.asked("run", 10)
    assert first is not None and first.options == ()
    assert program.attention.asked("run", 99) == first
    program.attention.tell(READS, 5.0)
    assert program.attention.asked("run", 99) is None
    program.attention.tell(JOB_READS, 6.0)
    assert program.rests(6.0 + STABLE) is State.ASKING
    second = program.attention.asked("run", 99)
    assert second is not None and second.text == first.text and second.id != first.id


def test_nothing_counts_as_rest_while_a_message_is_typed() -> None:
    program = Program()
    program.shows("$ ", 0.0)
    program.attention.begin_typing()
    assert program.attention.rest_left(100.0) is None
    assert program.rests(100.0) is State.TYPING
    program.attention.end_typing(100.0)
    assert program.attention.rest_left(100.0) == STABLE
