from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.sidecar.emulator.cells import CELL_CHARACTERS
from taskyard.sidecar.emulator.escapes import Reader
from taskyard.sidecar.emulator.screen import HISTORY_LINES, Screen
from taskyard.sidecar.emulator.terminal import Terminal


def shown(data: bytes, columns: int = 20, rows: int = 5) -> str:
    terminal = Terminal(columns, rows)
    terminal.feed(data)
    terminal.refresh()
    return terminal.text()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"one\r\ntwo", "one\ntwo", id="lines"),
        pytest.param(b"abcdef\rXY", "XYcdef", id="carriage return overwrites"),
        pytest.param(b"abc\b\bX", "aXc", id="backspace"),
        pytest.param(b"a\tb", "a       b", id="tab"),
        pytest.param(b"abcdef\r\x1b[3C\x1b[K", "abc", id="erase to the end of the line"),
        pytest.param(b"old\x1b[2J\x1b[Hnew", "new", id="clear"),
        pytest.param(b"abc\x1b[3J", "abc", id="erasing the scrollback leaves the screen"),
        pytest.param(b"\x1b[1;31mred\x1b[0m", "red", id="colours are not text"),
        pytest.param(b"\x1b[38:2::1:2:3mred", "red", id="colours with colons"),
        pytest.param(b"\x1b]0;a title\x07text", "text", id="title"),
        pytest.param(b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link", id="hyperlink"),
        pytest.param(b"\x1bP+q544e\x1b\\text", "text", id="device control string"),
        pytest.param(b"\x1b_Gimage\x1b\\text", "text", id="image"),
        pytest.param(b"\x1b[>4;2m\x1b[<u\x1b[?4m\x1b[=5ux", "x", id="private sequences of newer terminals"),
        pytest.param(b"\x1b[!p\x1b[ q\x1b[?25$px", "x", id="sequences with intermediates"),
        pytest.param(b"\x1b(0lqk\x1b(B", "┌─┐", id="line drawing"),
        pytest.param("ü€😀|".encode(), "ü€😀|", id="UTF-8, wide characters"),
        pytest.param("e\u0301👩‍💻x".encode(), "e\u0301👩‍💻x", id="combining characters, joiners"),
        pytest.param("好好\rx".encode(), "x 好", id="half of a wide character overwritten from the left"),
        pytest.param("好好\x1b[2Gx".encode(), " x好", id="and from the right"),
        pytest.param("好好\r\x1b[Pa".encode(), "a好", id="half of one deleted"),
        pytest.param("123456789 123456789好x".encode(), "123456789 123456789\n好x", id="wide at the edge wraps whole"),
        pytest.param("好\x1b[2G\x1b[K|".encode(), " |", id="half of one erased"),
        pytest.param("é👍🏽|".encode(), "é👍🏽|", id="skin tone"),
        pytest.param(b"a\xffb", "a\ufffdb", id="bytes that are not UTF-8"),
        pytest.param(b"-\x1b[9b", "----------", id="repeat"),
        pytest.param(b"1\r\n2\r\n3\x1b[H\x1b[L", "\n1\n2\n3", id="insert a line"),
        pytest.param(b"1\r\n2\r\n3\x1b[H\x1b[M", "2\n3", id="delete a line"),
        pytest.param(b"main\x1b[?1049h\x1b[Hediting\x1b[?1049l", "main", id="the alternate screen leaves no trace"),
        pytest.param(b"\x1b[5n\x1b[6n\x1b[cx", "x", id="queries are not text"),
        pytest.param(b"a\x1bEb", "a\nb", id="next line"),
        pytest.param(b"\x1b[", "", id="unfinished sequence"),
    ],
)
def test_screen_shows(data: bytes, text: str) -> None:
    assert shown(data) == text


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_sequences_may_be_cut_anywhere(size: int) -> None:
    data = "\x1b[1;31mré\x1b[0m\x1b]0;title\x1b\\d \x1b[?2004h€\x1b[K😀".encode()
    terminal = Terminal(20, 5)
    for start in range(0, len(data), size):
        terminal.feed(data[start : start + size])
    terminal.refresh()
    assert terminal.text() == "réd €😀"
    assert terminal.bracketed_paste


def test_lines_keep_their_numbers_when_they_scroll_off() -> None:
    terminal = Terminal(20, 5)
    terminal.feed(b"".join(b"line %d\r\n" % number for number in range(30)))
    terminal.refresh()
    assert terminal.top == 26
    assert [line.text for line in terminal.lines(0, 30)] == [f"line {number}" for number in range(30)]
    assert terminal.end == 30
    assert terminal.cursor == (30, 0)


def test_history_is_bounded_and_knows_its_oldest_line() -> None:
    terminal = Terminal(20, 5)
    for number in range(HISTORY_LINES + 100):
        terminal.feed(b"%d\r\n" % number)
    terminal.refresh()
    assert terminal.oldest == terminal.top - HISTORY_LINES
    assert terminal.line(0).text == ""
    assert terminal.line(terminal.oldest).text == str(terminal.oldest)


def test_wrapped_lines_are_marked() -> None:
    terminal = Terminal(10, 5)
    terminal.feed(b"0123456789abc\r\n0123456789\r\nx")
    terminal.refresh()
    assert [(line.text, line.wrapped) for line in terminal.lines(0, 4)] == [
        ("0123456789", True),
        ("abc", False),
        ("0123456789", False),
        ("x", False),
    ]


def test_scrolling_above_a_status_line_feeds_the_history() -> None:
    terminal = Terminal(20, 5)
    terminal.feed(b"\x1b[5;1Hstatus\x1b[1;4r\x1b[1;1H" + b"\r\n".join(b"line %d" % n for n in range(6)))
    terminal.refresh()
    assert [line.text for line in terminal.lines(0, 7)] == [*(f"line {n}" for n in range(6)), "status"]


def test_refresh_tells_whether_text_changed() -> None:
    terminal = Terminal(20, 5)
    assert not terminal.refresh()
    terminal.feed(b"a")
    assert terminal.refresh()
    terminal.feed(b"\ra")
    assert not terminal.refresh()
    terminal.feed(b"\x1b[?25l\x1b[31m\x1b[5;5H")
    assert not terminal.refresh()


@pytest.mark.parametrize("erasing", [b"\x1b[?2004l", b"\x1b[J", b"\x1b[2J\x1b[H"])
def test_erasing_a_tall_screen_touches_only_what_was_written(erasing: bytes) -> None:
    """Each message to a shell does so; a thousand rows took as long as everything else that a message needs."""
    screen = Screen(80, 1000)
    Reader(screen).feed(b"one\r\ntwo\r\nthree\x1b[1;1H\x1b[?2004h")
    screen.dirty.numbers.clear()
    Reader(screen).feed(erasing)
    assert {1, 2} <= screen.dirty.numbers <= {0, 1, 2}
    assert not screen.buffer.numbered.get(1) and not screen.buffer.numbered.get(2)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([b"a", b"\n", b"\r", b"\x1b[A", b"\x1b[J", b"\x1b[2J", b"\x1b[K", b"\x1b[H"]), max_size=40)
)
def test_end_is_one_past_the_last_line_with_text(pieces: list[bytes]) -> None:
    terminal = Terminal(6, 4)
    for piece in pieces:
        terminal.feed(piece)
        terminal.refresh()
        filled = [number for number in range(terminal.oldest, terminal.top + 4) if terminal.line(number).text]
        assert terminal.end == max(filled, default=terminal.oldest - 1) + 1


def test_queries_are_answered_as_a_terminal_does() -> None:
    terminal = Terminal(20, 5)
    terminal.feed(b"abc\x1b[6n\x1b[5n\x1b[c")
    assert terminal.take_replies() == b"\x1b[1;4R\x1b[0n\x1b[?6c"
    assert terminal.take_replies() == b""


ALPHABET = [
    b"\x1b",
    b"[",
    b"]",
    b"?",
    b";",
    b"9",
    b"3",
    b"\r",
    b"\n",
    b"a",
    b"\xe2\x82\xac",
    b"\xf0\x9f\x98\x80",
    b"\xff",
]
FINALS = [bytes([code]) for code in range(0x40, 0x7F)]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(ALPHABET + FINALS) | st.binary(max_size=4), max_size=60), st.integers(1, 12))
def test_no_output_breaks_the_terminal(pieces: list[bytes], columns: int) -> None:
    terminal = Terminal(columns, 4)
    for piece in pieces:
        terminal.feed(piece)
    terminal.refresh()
    line, column = terminal.cursor
    assert terminal.top <= line < terminal.top + 4
    assert 0 <= column <= columns
    assert len(terminal.text().split("\n")) <= 4


@pytest.mark.parametrize(
    "endless",
    [
        pytest.param(b"\x1b]0;" + b"x" * 1000, id="endless title"),
        pytest.param(b"\x1b[" + b"1;" * 1000, id="endless parameters"),
        pytest.param(b"\x1b7" * 1000, id="saved cursors"),
        pytest.param(b"\x1b[6n" * 1000, id="queries"),
        pytest.param(b"e" + "\u0301".encode() * 1000, id="accents"),
        pytest.param("\u200b".encode() * 1000, id="joiners before everything"),
        pytest.param(b"\x1b[9999b" * 50 + b"x\x1b[9999L\x1b[9999@\x1b[9999S\x1b[9999T" * 50, id="large counts"),
    ],
)
def test_memory_is_bounded_however_strange_the_output(endless: bytes) -> None:
    terminal = Terminal(20, 5)
    for _ in range(20):
        terminal.feed(endless)
    terminal.refresh()
    assert sum(len(line.text) for line in terminal.lines(terminal.top, terminal.end)) <= 20 * 5 * CELL_CHARACTERS
    assert len(terminal.take_replies()) < 1000
