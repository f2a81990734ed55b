"""The words of a question: the line at which a program waits, and nothing that a person typed there."""

from __future__ import annotations

import pytest

from taskyard.limits import MAX_QUESTION_CHARACTERS
from taskyard.sidecar.drivers.terminal.wording import Wording
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.init.frames import MAX_PROGRAM_NAME_BYTES, Foreground, Reader, TerminalState
from taskyard.sidecar.screen import prompt_line
from taskyard.sidecar.screen.mark import Mark, beginning

LINE = TerminalState(Foreground.OTHER, "rm", canonical=True, echo=True, reader=Reader.YES)
HIDDEN = LINE._replace(command="sudo", echo=False)
KEYS = LINE._replace(command="less", canonical=False, echo=False)


class Screen:
    """A program in a turn, which begins with the program unless there is a message."""

    def __init__(self, *, certain: bool = True, columns: int = 80) -> None:
        self.terminal = Terminal(columns, 24)
        self.wording = Wording(certain=certain)
        self.mark = beginning(0)

    def shows(self, shown: str) -> None:
        self.terminal.feed(shown.encode())
        self.terminal.refresh()

    def begin_turn(self, typed: str, echo: str = "") -> None:
        self.wording.begin_turn(typed)
        self.mark = Mark.of(self.terminal, 0)
        self.shows((echo or typed).replace("\n", "\r\n") + "\r\n")

    def asks(self, kernel: TerminalState, shown: str = "") -> str:
        self.shows(shown)
        return self.wording.question(kernel, self.terminal, prompt_line.last_row(self.mark, self.terminal))

    def name(self, kernel: TerminalState, shown: str = "") -> str:
        return self.wording.name(self.asks(kernel, shown))

    def press(self, kernel: TerminalState, keys: str) -> None:
        self.wording.pressed(keys, kernel)

    def answer(self, kernel: TerminalState, text: str) -> None:
        asked = self.asks(kernel)
        self.wording.begin_turn(text)
        self.mark = Mark.of(self.terminal, 0)
        assert self.asks(kernel) == asked
        self.wording.answered(kernel, self.terminal)
        self.shows(text + "\r\n")


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
    screen.press(LINE, "sk-")
    assert screen.asks(LINE, "sk-") == asked
    assert screen.asks(LINE, "x" * 200) == asked
    screen.press(LINE, "\r")
    assert screen.asks(LINE, "\r\n") == "rm waits for input"
    assert screen.asks(LINE, "Sure? ") == "rm waits for input"


@pytest.mark.parametrize("kernel", [LINE, KEYS])
@pytest.mark.parametrize(
    "typed", ["sk-1", "sk-1\r\n", "A=1\r\nTOKEN=sk-1\r\n", "x" * 2400 + "sk-1", "\x1b[2J\x1b[HKey: sk-1"]
)
def test_keys_before_the_first_look_are_no_part_of_it(kernel: TerminalState, typed: str) -> None:
    screen = Screen()
    screen.shows("Key: ")
    screen.press(kernel, typed)
    assert screen.asks(kernel, typed).endswith(" waits for input")
    screen.begin_turn("go")
    assert screen.asks(LINE, "Sure? ") == 'rm waits for input: "Sure?"'


def test_keys_of_a_program_in_key_mode_end_its_words() -> None:
    screen = Screen()
    assert screen.asks(KEYS, "mysql> ") == 'less waits for input: "mysql>"'
    screen.press(KEYS, "s")
    assert screen.asks(KEYS, "set pw='sk-1") == "less waits for input"


@pytest.mark.parametrize("shown", ["API key: sk-1", "API key: sk-1\r\n", "\x1b[2J\x1b[HAPI key: sk-1"])
def test_connection_that_began_anew_does_not_know_what_was_typed(shown: str) -> None:
    screen = Screen(certain=False)
    assert screen.asks(LINE, shown) == "rm waits for input"
    assert screen.wording.line(screen.terminal) == ""


def test_line_of_a_start_is_told_unless_somebody_has_pressed_a_key() -> None:
    screen = Screen()
    screen.shows("Key: ")
    assert screen.wording.line(screen.terminal) == "Key:"
    screen.press(LINE, "sk-1\r")
    screen.shows("sk-1\r\n")
    assert screen.wording.line(screen.terminal) == ""


def test_kept_words_are_those_of_one_line_of_one_program() -> None:
    screen = Screen()
    asked = screen.asks(LINE, "One? ")
    screen.press(LINE, "y")
    assert screen.asks(LINE, "y") == asked
    assert screen.asks(LINE, "\r\nTwo? y") == "rm waits for input"
    screen = Screen()
    screen.asks(LINE, "One? ")
    screen.press(LINE, "y")
    assert screen.asks(LINE._replace(command="cp"), "y") == "cp waits for input"


def test_next_question_after_an_answer_shows_nothing_of_the_answer() -> None:
    screen = Screen()
    screen.asks(LINE, "One? ")
    screen.answer(LINE, "sk-1")
    assert screen.asks(LINE) == "rm waits for input"
    assert screen.asks(LINE, "Two? ") == 'rm waits for input: "Two?"'
    screen.press(LINE, "sk")
    screen.asks(LINE, "sk")
    screen.answer(LINE, "")
    assert screen.asks(LINE, "Three? ") == 'rm waits for input: "Three?"'


def test_answer_in_key_mode_is_followed_by_no_words() -> None:
    screen = Screen()
    screen.asks(KEYS, "Name? ")
    screen.answer(KEYS, "sk-1")
    assert screen.asks(KEYS, "Name? sk-1") == "less waits for input"


@pytest.mark.parametrize("kernel", [LINE, KEYS])
@pytest.mark.parametrize("again", ["\r[14 s] Continue? ", "\r\n[14 s] Continue? "])
def test_clock_makes_no_other_question(kernel: TerminalState, again: str) -> None:
    screen = Screen()
    asked = screen.asks(kernel, "[9 s] Continue? ")
    name = screen.name(kernel)
    screen.shows(again)
    assert screen.wording.is_shown(kernel, screen.terminal, -1)
    assert screen.asks(kernel) == asked
    assert screen.name(kernel) == name
    screen.press(kernel, "y")
    screen.shows("y")
    assert not screen.wording.is_shown(kernel, screen.terminal, -1)


def test_words_of_a_program_that_goes_on_by_itself_change_and_its_name_does_not() -> None:
    screen = Screen()
    name = screen.name(LINE, "One? ")
    screen.shows("\r\nTwo? ")
    assert not screen.wording.is_shown(LINE, screen.terminal, -1)
    assert screen.asks(LINE) == 'rm waits for input: "Two?"'
    assert screen.name(LINE) == name


@pytest.mark.parametrize("prompt", [">>> ", "> ", "$ ", "1> ", "... "])
def test_prompt_without_a_letter_is_not_quoted(prompt: str) -> None:
    assert Screen().asks(KEYS, prompt) == "less waits for input"


def test_lines_of_a_message_are_no_words() -> None:
    screen = Screen()
    screen.shows("$ ")
    screen.begin_turn("cat\nhello")
    assert screen.asks(LINE) == "rm waits for input"
    assert screen.asks(LINE, "Sure? ") == 'rm waits for input: "Sure?"'


@pytest.mark.parametrize(
    "screens",
    [
        pytest.param("", id="one row"),
        pytest.param("\x1b[2J\x1b[H", id="a screen that was cleared"),
        pytest.param("\x1b[?1049h\x1b[2J\x1b[Htext\x1b[?1049l", id="back from a screen of its own"),
        pytest.param("\x1b[1;20H", id="a cursor that went up"),
        pytest.param("\r\n" * 30 + "\x1b[2J\x1b[H", id="what has scrolled off"),
    ],
)
def test_what_was_typed_before_the_message_is_no_part_of_it(screens: str) -> None:
    screen = Screen()
    screen.shows("$ sk-1 sk-1 sk-1 sk-1 sk-1 sk-1 sk-1\r\n$ sk-1 ")
    screen.begin_turn("go")
    assert "sk-1" not in screen.asks(LINE, screens)


def test_what_is_right_of_the_cursor_is_no_part_of_it() -> None:
    assert Screen().asks(KEYS, "Command: \x1b7history\x1b8") == 'less waits for input: "Command:"'
    assert Screen().asks(KEYS, "Sure?\r\nhistory\r") == "less waits for input"


def test_line_whose_beginning_is_out_of_reach_is_not_quoted() -> None:
    assert Screen(columns=10).asks(LINE, "Sure? " * 80) == "rm waits for input"


def test_longest_question_fits_the_limit_of_a_report_with_the_end_of_its_quotation() -> None:
    asked = Screen().asks(LINE._replace(command="x" * MAX_PROGRAM_NAME_BYTES), "Sure? " * 200)
    assert len(asked) <= MAX_QUESTION_CHARACTERS and asked.endswith(' more characters)"')
