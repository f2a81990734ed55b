from __future__ import annotations

import pytest

from taskyard.sidecar.screen import generic_answer
from taskyard.sidecar.screen.terminal import Terminal


def read(before: str, after: str, typed: str, *, settled: bool = True, columns: int = 40) -> str:
    terminal = Terminal(columns, 20)
    terminal.feed(before.encode())
    terminal.refresh()
    mark = generic_answer.Mark.of(terminal, len(before.encode()))
    terminal.feed(after.encode())
    terminal.refresh()
    return generic_answer.read(terminal, mark, typed, settled=settled)


BOX = "Welcome\r\n╭──────╮\r\n│ >    │\r\n╰──────╯\r\n  ? for help\x1b[2A\x1b[5G"
BOX_AFTER = (
    "\x1b[1A\r\x1b[J> do it\r\n\r\n● Done.\r\n\r\n╭──────╮\r\n│ >    │\r\n╰──────╯\r\n  ? for help\x1b[2A\x1b[5G"
)


@pytest.mark.parametrize(
    ("before", "after", "typed", "expected"),
    [
        pytest.param("$ ", "echo hello\r\nhello\r\n$ ", "echo hello", "hello", id="shell"),
        pytest.param("$ ", "true\r\n$ ", "true", "", id="no output"),
        pytest.param("$ ls\r\nls\r\n$ ", "ls\r\nls\r\n$ ", "ls", "ls", id="an answer seen before"),
        pytest.param("$ ", "printf abc\r\nabc$ ", "printf abc", "abc", id="output without a newline"),
        pytest.param("a$ ", "cd b\r\nb$ ", "cd b", "", id="the prompt changes"),
        pytest.param(
            "$ ", "cat f\r\none\r\n\r\n  two\r\n$ ", "cat f", "one\n\n  two", id="blank lines and indentation"
        ),
        pytest.param("", "hello\r\nhello\r\n", "hello", "hello", id="a program without a prompt"),
        pytest.param(
            "$ ", "clear; echo hi\r\n\x1b[H\x1b[2Jhi\r\n$ ", "clear; echo hi", "hi", id="the screen is cleared"
        ),
        pytest.param(
            "$ ",
            "a\r\n> b\r\n> c\r\nout\r\n$ ",
            "a\nb\nc",
            "out",
            id="several lines, echoed after continuation prompts",
        ),
        pytest.param("$ ", "sleep\r\n$ sleep\r\nx\r\n$ ", "sleep", "x", id="echoed twice"),
        pytest.param("$ ", "\r\nno echo\r\n$ ", "secret", "no echo", id="not echoed"),
        pytest.param(BOX, BOX_AFTER, "do it", "● Done.", id="input box below the answer"),
    ],
)
def test_answer_is(before: str, after: str, typed: str, expected: str) -> None:
    assert read(before, after, typed) == expected


def test_wrapped_lines_are_joined_again() -> None:
    typed = "say " + "word " * 20 + "end"
    after = f"{typed}\r\n" + "x" * 100 + "\r\n$ "
    assert read("$ ", after, typed) == "x" * 100


def test_line_that_looks_like_a_prompt_belongs_to_the_answer_while_the_program_works() -> None:
    assert read("$ ", "go\r\n50%", "go", settled=False) == "50%"


def test_greeting_is_shown_as_it_is() -> None:
    terminal = Terminal(40, 20)
    terminal.feed(b"Welcome\r\n\r\n$ ")
    terminal.refresh()
    assert generic_answer.read(terminal, generic_answer.beginning(0), "", settled=True) == "Welcome\n\n$"


def test_answer_that_scrolled_off_the_screen_is_whole() -> None:
    after = "seq\r\n" + "".join(f"{n}\r\n" for n in range(200)) + "$ "
    assert read("$ ", after, "seq") == "\n".join(map(str, range(200)))


def test_too_long_an_answer_keeps_its_end() -> None:
    text = generic_answer.bounded("x" * 100_000 + "end")
    assert len(text) == generic_answer.MAX_ANSWER_CHARACTERS
    assert text.startswith("[…") and text.endswith("end")


@pytest.mark.parametrize(
    ("after", "found"),
    [
        pytest.param("echo a long enough message\r\n", True, id="typed"),
        pytest.param("echo a long eno", False, id="typed in part"),
        pytest.param("", False, id="not typed"),
    ],
)
def test_message_is_found_on_the_screen(after: str, found: bool) -> None:
    terminal = Terminal(20, 20)
    terminal.feed(b"$ ")
    terminal.refresh()
    mark = generic_answer.Mark.of(terminal, 2)
    terminal.feed(after.encode())
    terminal.refresh()
    assert generic_answer.shows(terminal, mark, "echo a long enough message") is found
