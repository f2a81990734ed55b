"""The words of a question: the line at which a program waits, and nothing that a person typed there."""

from __future__ import annotations

import pytest

from taskyard.limits import MAX_QUESTION_CHARACTERS
from taskyard.sidecar.drivers.wording import Wording
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.init.frames import MAX_PROGRAM_NAME_BYTES, Foreground, Reader, TerminalState

LINE = TerminalState(Foreground.OTHER, "rm", canonical=True, echo=True, reader=Reader.YES)
HIDDEN = LINE._replace(command="sudo", echo=False)
KEYS = LINE._replace(command="less", canonical=False, echo=False)


class Screen:
    def __init__(self) -> None:
        self.terminal = Terminal(80, 24)
        self.wording = Wording()

    def asks(self, kernel: TerminalState, shown: str = "") -> str:
        self.terminal.feed(shown.encode())
        self.terminal.refresh()
        return self.wording.question(kernel, self.terminal, -1)


@pytest.mark.parametrize(
    ("kernel", "shown", "words"),
    [
        (LINE, "Really delete? ", 'rm waits for input: "Really delete?"'),
        (LINE, "", "rm waits for input"),
        (LINE._replace(command=""), "Sure? ", 'a program waits for input: "Sure?"'),
        (HIDDEN, "swordfish\r\nPassword: ", "sudo waits for input without echo"),
        (HIDDEN._replace(reader=Reader.UNKNOWN), "Password: ", "sudo waits for input without echo"),
        (KEYS, "(END)", 'less waits for input: "(END)"'),
    ],
)
def test_question(kernel: TerminalState, shown: str, words: str) -> None:
    assert Screen().asks(kernel, shown) == words


def test_what_a_person_types_is_no_part_of_the_question() -> None:
    screen = Screen()
    asked = screen.asks(LINE, "API key: ")
    assert screen.asks(LINE, "sk-") == asked
    assert screen.asks(LINE, "x" * 200) == asked
    assert screen.asks(LINE, "\r\nSure? ") == 'rm waits for input: "Sure?"'


def test_what_a_person_types_where_nothing_was_asked_in_words_is_no_question() -> None:
    screen = Screen()
    assert screen.asks(LINE) == "rm waits for input"
    assert screen.asks(LINE, "swordfish") == "rm waits for input"
    assert screen.asks(LINE, "\r\n") == "rm waits for input"


def test_program_that_draws_its_line_itself_may_do_so_late() -> None:
    screen = Screen()
    assert screen.asks(KEYS) == "less waits for input"
    assert screen.asks(KEYS, "(END)") == 'less waits for input: "(END)"'


def test_cleared_screen_begins_anew() -> None:
    screen = Screen()
    screen.asks(LINE, "One? ")
    assert screen.asks(LINE, "\x1b[2J\x1b[HOne? Two? ") == 'rm waits for input: "One? Two?"'


def test_longest_question_fits_the_limit_of_a_report_with_the_end_of_its_quotation() -> None:
    asked = Screen().asks(LINE._replace(command="x" * MAX_PROGRAM_NAME_BYTES), "Sure? " * 200)
    assert len(asked) <= MAX_QUESTION_CHARACTERS and asked.endswith(' more characters)"')
