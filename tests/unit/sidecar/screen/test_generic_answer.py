from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import generic_answer


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


BASH_5 = "\x1b[?2004h$ "
PASTED = "\x1b[7mecho hi\x1b[27m\r\x1b[C\x1b[Cecho hi\r\n\x1b[?2004l\r"


@pytest.mark.parametrize(
    ("before", "after", "typed", "expected"),
    [
        pytest.param("$ ", "echo ======\r\n======\r\n$ ", "echo ======", "======", id="a rule"),
        pytest.param("$ ", "t\r\n+---+\r\n| a |\r\n+---+\r\n$ ", "t", "+---+\n| a |\n+---+", id="a table"),
        pytest.param(
            "$ t\r\n┌─┐\r\n└─┘\r\n$ ", "t\r\n┌─┐\r\n└─┘\r\n$ ", "t", "┌─┐\n└─┘", id="a frame that stood there before"
        ),
        pytest.param("> ", "t\r\n────\r\n> ", "t", "────", id="of a program with a prompt of its own"),
        pytest.param(
            BOX,
            BOX_AFTER.replace("● Done.", "+---+\r\n| a |\r\n+---+"),
            "do it",
            "+---+\n| a |\n+---+",
            id="above an input box",
        ),
    ],
)
def test_frame_that_was_printed_is_part_of_the_answer(before: str, after: str, typed: str, expected: str) -> None:
    """T6."""
    assert read(before, after, typed) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(f"{BASH_5}x\r\n\x1b[?2004l\rabc{BASH_5}", f"{PASTED}hi\r\n{BASH_5}", "hi", id="bash 5"),
        pytest.param(f"{BASH_5}x\r\n\x1b[?2004l\rabc{BASH_5}", f"{PASTED}hi{BASH_5}", "hi", id="twice"),
        pytest.param(
            "\x1b[?2004h~/a\r\n$ ",
            "echo hi\r\n\x1b[?2004l\rhi\r\n\x1b[?2004h~/b\r\n$ ",
            "hi",
            id="a prompt of two lines that changes",
        ),
        pytest.param(
            f"{BASH_5}x\r\n\x1b[?2004l\rName: {BASH_5}",
            f"{PASTED}Name: ",
            "Name:",
            id="no prompt while the command reads a line itself",
        ),
        pytest.param(
            f"abc{BASH_5}",
            "\r\x1b[2Cecho hi\r\nhi\r\n$ ",
            "hi",
            id="what is drawn over the end of an output is the echo",
        ),
        pytest.param("$ x\r\nabc$ ", "echo hi\r\nhi\r\n$ ", "hi", id="dash"),
        pytest.param("$ x\r\nabc$ ", "echo hi\r\nhi$ ", "hi", id="dash, output without a newline again"),
        pytest.param("$ x\r\nhi$ ", "echo hi\r\nhi$ ", "hi", id="and the same"),
        pytest.param(
            "$ x\r\n$                      12:01\r\x1b[2C",
            "echo hi\r\nhi\r\n$                      12:02\r\x1b[2C",
            "hi",
            id="a right prompt that changes",
        ),
        pytest.param(
            "┌─[~]\r\n└─$ ", "echo hi\r\nhi\r\n┌─[~/b]\r\n└─$ ", "hi", id="a framed prompt of two lines that changes"
        ),
        pytest.param(
            "~ on main\r\n> a\r\nA\r\n~ on main\r\n> ",
            "echo hi\r\nhi\r\n~ on main\r\n> ",
            "hi",
            id="a prompt of two lines, known from before",
        ),
        pytest.param(
            "\x1b[9;1H[0] 12:01\x1b[H$ ",
            "echo hi\r\nhi\r\n$ \x1b[9;1H[0] 12:02\x1b[3;3H",
            "hi",
            id="a status line at the bottom that changes",
        ),
        pytest.param(
            "~ $ \x1b[?2004h",
            "echo hi\x1b[?2004l\r\r\nhi\r\n~ $ \x1b[?2004h",
            "hi",
            id="zsh",
        ),
    ],
)
def test_answer_is_told_from_the_prompts_around_it(before: str, after: str, expected: str) -> None:
    """T11."""
    assert read(before, after, "echo hi") == expected


SAID = "> continue\r\n\r\n● Same reply.\r\n\r\n"
INPUT = "────\r\n> \r\n────\x1b[1A\x1b[3G"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(SAID + INPUT, "\x1b[1A\r\x1b[J" + SAID + INPUT, id="drawn below what was said"),
        pytest.param(SAID + INPUT, "\x1b[H\x1b[J" + SAID * 2 + INPUT, id="all drawn anew"),
        pytest.param("Hi\r\n" + SAID + INPUT, "\x1b[H\x1b[2J" + "Hi\r\n" + SAID * 2 + INPUT, id="after a clear"),
        pytest.param(
            "\x1b[?1049h\x1b[HHi\r\n" + SAID + INPUT,
            "\x1b[H\x1b[J● Same reply.\r\n\r\n" + SAID + INPUT,
            id="scrolled on the alternate screen",
        ),
    ],
)
def test_reply_that_stood_there_before_is_the_answer(before: str, after: str) -> None:
    """A6: a program that is not known by name."""
    assert read(before, after, "continue") == "● Same reply."


def test_answer_that_begins_like_an_earlier_one_is_whole() -> None:
    """A6."""
    after = "\x1b[1A\r\x1b[J> continue\r\n\r\n● Same reply.\r\n  And more.\r\n\r\n" + INPUT
    assert read(SAID + INPUT, after, "continue") == "● Same reply.\n  And more."


def test_file_that_was_on_the_screen_before_it_was_cleared_is_an_answer() -> None:
    """A6."""
    assert read("$ cat f\r\none\r\ntwo\r\n$ ", "\x1b[H\x1b[2Jone\r\ntwo\r\n$ ", "clear; cat f") == "one\ntwo"


def test_answer_of_which_the_beginning_is_not_known_any_more_says_so() -> None:
    """T7."""
    after = "seq\r\n" + "".join(f"{n}\r\n" for n in range(10_000)) + "$ "
    answer = read("$ ", after, "seq")
    assert answer.startswith(generic_answer.CUT_NOTE)
    assert answer.endswith("\n9998\n9999")
    assert len(read("$ ", "cat\r\n" + f"{'x' * 39}\r\n" * 3_000 + "$ ", "cat")) == generic_answer.MAX_ANSWER_CHARACTERS


def test_output_of_which_the_beginning_was_not_replayed_says_so() -> None:
    """T7: taskyard-init keeps the end of the output only."""
    terminal = Terminal(40, 20)
    terminal.feed(b"the rest\r\n$ ")
    terminal.refresh()
    answer = generic_answer.read(terminal, generic_answer.beginning(5_000_000), "go", settled=False)
    assert answer.startswith(generic_answer.CUT_NOTE + "the rest")


def test_note_is_not_doubled() -> None:
    """T7."""
    text = generic_answer.bounded("x" * 100_000, cut=True)
    assert text.count(generic_answer.CUT_NOTE) == 1
    assert len(text) == generic_answer.MAX_ANSWER_CHARACTERS


LINES = st.lists(st.sampled_from(["", "$ echo hi", "hi", "======", "> x", "50%", "好" * 25, "a  b"]), max_size=8)


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=3), LINES, st.booleans())
def test_answer_in_a_shell_is_what_the_command_printed(earlier: list[list[str]], output: list[str], ends: bool) -> None:
    """T4, T6, T11, A6: exactly, whatever stood there before, with or without a newline at its end."""

    def command(lines: list[str], newline: bool = True) -> str:
        printed = "\r\n".join(lines) + ("\r\n" if lines and newline else "")
        return f"run it\r\n\x1b[?2004l\r{printed}{BASH_5}"

    before = BASH_5 + "".join(command(lines) for lines in earlier)
    assert read(before, command(output, newline=ends), "run it") == "\n".join(output).strip("\n")


def test_what_was_there_before_the_alternate_screen_is_no_answer_to_what_leaves_it() -> None:
    """A6: `q` in a pager."""
    before = "$ echo old\r\nold\r\n$ less f\r\n\x1b[?1049h\x1b[Hone\r\ntwo\r\n(END)"
    assert read(before, "\r\x1b[K\x1b[?1049lThe end.\r\n$ ", "q") == "The end."
