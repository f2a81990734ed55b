"""The line at which a program waits, as it is quoted to people."""

from __future__ import annotations

# ruff: noqa: RUF001 - the programs' pointers, and full-width forms
import pytest

from taskyard.core import text_limits
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import prompt_line
from taskyard.sidecar.screen.mark import Mark, beginning


def showing(screen: str, columns: int = 80) -> Terminal:
    terminal = Terminal(columns, 24)
    terminal.feed(screen.encode())
    terminal.refresh()
    return terminal


@pytest.mark.parametrize(
    ("screen", "line"),
    [
        pytest.param("one\r\nReally delete? ", "Really delete?", id="the cursor's line"),
        pytest.param("one\r\nReally delete?\r\n", "Really delete?", id="the line above an empty one"),
        pytest.param("Your name?\r\n> ", "Your name? >", id="a sign below a question"),
        pytest.param("Pick one:\r\n❯ ", "Pick one: ❯", id="a pointer below a question"),
        pytest.param("42\r\n>>> ", "", id="a sign below an output"),
        pytest.param("│ Your key │", "Your key", id="a frame"),
        pytest.param("a   \tb? ", "a b?", id="blanks"),
        pytest.param("你确定吗？ ", "你确定吗？", id="wide characters"),
        pytest.param("", "", id="nothing"),
        pytest.param("old\x1b[2J\x1b[H", "", id="a screen that was cleared"),
        pytest.param("\x1b]0;title\x07\x1b[31mSure?\x1b[0m ", "Sure?", id="colours and a title"),
        pytest.param("\x1b[?1049h\x1b[5;1Hdef one():\x1b[24;1H-- INSERT --\x1b[5;1H", "", id="an editor"),
        pytest.param("\x1b[?1049h\x1b[5;1Htext\x1b[24;1H(END)", "(END)", id="a pager"),
        pytest.param("Sure?\r\n  status below\x1b[1;7H", "Sure?", id="a line below the cursor"),
    ],
)
def test_line(screen: str, line: str) -> None:
    assert prompt_line.at_cursor(showing(screen), after=-1).text == line


def test_long_line_that_the_terminal_wrapped_is_one_and_is_shortened_by_the_limit_of_all_texts() -> None:
    asked = "Overwrite " + " ".join(f"file-{number}" for number in range(12)) + "? [y/N] "
    assert prompt_line.at_cursor(showing(asked, columns=40), after=-1).text == asked.strip()
    long = prompt_line.at_cursor(showing(asked * 5), after=-1).text
    assert len(long) == text_limits.MAX_SCREEN_LINE_CHARACTERS and long.endswith(" more characters)")


def test_message_that_started_the_program_is_none_of_its_words() -> None:
    terminal = showing("$ ")
    mark = Mark.of(terminal, 2)
    terminal.feed(b"sh -c 'sleep 20; read -r l'\r\n")
    terminal.refresh()
    after = prompt_line.last_row(mark, terminal)
    assert prompt_line.at_cursor(terminal, after).text == ""
    terminal.feed(b"Now?\r\n")
    terminal.refresh()
    assert prompt_line.at_cursor(terminal, after).text == "Now?"
    terminal.feed(b"\x1b[2J\x1b[HAgain?\r\n")
    terminal.refresh()
    assert prompt_line.at_cursor(terminal, prompt_line.last_row(mark, terminal)).text == "Again?"
    assert prompt_line.last_row(beginning(0), terminal) == -1
