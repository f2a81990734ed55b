"""Wide characters and grapheme clusters: the columns they take, and that no text is lost whatever a program assumes."""

# ruff: noqa: RUF001 - the characters are what they are

from __future__ import annotations

import unicodedata

import pytest
import wcwidth
from hypothesis import example, given, settings
from hypothesis import strategies as st

from taskyard.sidecar.emulator import cells
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import generic_answer

FAMILY = "👩‍👩‍👧‍👦"
TONED_KISS = "👩🏽‍❤️‍💋‍👨🏿"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
EMOJI = ["👍🏽", FAMILY, "🇩🇪", "1️⃣", "❤️", TONED_KISS, ENGLAND, "😀", "⚠️"]


def written(text: str, columns: int, size: int = 0) -> list[str]:
    """What `joined` makes of a text that a program wrote in pieces of `size` bytes."""
    data = text.replace("\n", "\r\n").encode()
    terminal = Terminal(columns, 1000)
    for start in range(0, len(data), size or len(data) or 1):
        terminal.feed(data[start : start + (size or len(data))])
    terminal.refresh()
    return generic_answer.joined(terminal, 0, terminal.end)


@pytest.mark.parametrize("cluster", EMOJI)
def test_emoji_takes_two_columns_and_one_cell(cluster: str) -> None:
    """A8."""
    terminal = Terminal(20, 5)
    terminal.feed(cluster.encode())
    terminal.refresh()
    assert (terminal.text(), terminal.cursor) == (cluster, (0, 2))
    assert len(cluster) <= cells.CELL_CHARACTERS


@pytest.mark.parametrize(
    ("cluster", "columns"),
    [
        pytest.param("e\u0301", 1, id="an accent"),
        pytest.param("q" + "\u0301" * 5, 1, id="accents without a composed form"),
        pytest.param("字", 2, id="Chinese"),
        pytest.param("\u1112\u1161\u11ab", 2, id="a syllable of jamos"),
        pytest.param("क्ष", 1, id="a conjunct"),
        pytest.param("❤", 1, id="a text symbol"),
        pytest.param("a\ufe0f", 1, id="a selector that selects nothing"),
        pytest.param("\u200d", 0, id="a joiner"),
    ],
)
def test_cluster_takes_as_many_columns_as_its_base(cluster: str, columns: int) -> None:
    assert cells.width(cluster) == columns


@pytest.mark.parametrize("columns", [10, 11, 79, 80, 81])
def test_wide_text_that_wraps_comes_back_as_written(columns: int) -> None:
    """T4: a wide character that did not fit the last column leaves no blank."""
    text = "你好世界" * 15
    assert written(f"{text}\n a{text}", columns) == [text, f" a{text}"]


def test_blanks_that_were_written_at_a_wrap_stay() -> None:
    """T4."""
    assert written("123456789 好 x\n12345678  好\n好好好好好   a", 10) == [
        "123456789 好 x",
        "12345678  好",
        "好好好好好   a",
    ]


def test_state_message_of_a_wrapped_wide_line_is_the_line() -> None:
    """T4."""
    terminal = Terminal(40, 20)
    terminal.feed(b"$ ")
    terminal.refresh()
    mark = generic_answer.Mark.of(terminal, 2)
    text = "你好世界" * 15
    terminal.feed(f"echo {text}\r\n{text}\r\n$ ".encode())
    terminal.refresh()
    assert generic_answer.read(terminal, mark, f"echo {text}", settled=True) == text


# Letters, wide and combining characters, emoji; what moves the cursor is not among them.
TEXT = st.text(
    st.one_of(
        st.sampled_from("abc xyz"),
        st.sampled_from("你好世界한글ｱ、。"),
        st.characters(min_codepoint=0x20, exclude_categories=["Cc", "Cs", "Cn", "Co"]),
        st.sampled_from(["\u0301", "\u0327", "\u200d", "\ufe0f", "\u20e3", "🏽", "🇩", "🇪", "👩", "❤", "1"]),
    ),
    max_size=60,
)


@settings(max_examples=400, deadline=None)
@given(text=TEXT, columns=st.integers(2, 30), size=st.integers(0, 5))
@example(text="\u200fשלום", columns=5, size=1)
@example(text="ab\ufeff\u200b\u0301c", columns=2, size=1)
@example(text="1234🇩🇪", columns=5, size=3)
@example(text="1234❤\ufe0fx", columns=5, size=1)
def test_any_text_comes_back_as_written(text: str, columns: int, size: int) -> None:
    """T4, A8: exactly, but for blanks at the end and what is beyond a cell's bound."""
    if any(len(cluster) >= cells.CELL_CHARACTERS for cluster in wcwidth.iter_graphemes(text)):
        return
    assert "".join(written(text, columns, size)).rstrip() == text.rstrip()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*"ab ", *"你好한ｱ", "e\u0301", *EMOJI]), max_size=60).map("".join), st.integers(2, 30))
def test_widths_are_those_of_wcwidth(text: str, columns: int) -> None:
    """T4, A8: the cursor is where the widths say, row by row."""
    terminal = Terminal(columns, 200)
    terminal.feed(text.encode())
    terminal.refresh()
    row, x = 0, 0
    for cluster in wcwidth.iter_graphemes(text):
        width = wcwidth.width(cluster)
        if x + width > columns:
            row, x = row + 1, 0
        x += width
    assert terminal.cursor == (row, x)


def one_each(text: str) -> int:
    return sum(max(0, wcwidth.wcwidth(code)) for code in text)


def narrow_emoji(text: str) -> int:
    return 1 if wcwidth.width(text) == 2 and unicodedata.east_asian_width(text[0]) != "W" else wcwidth.width(text)


@pytest.mark.parametrize(
    "width",
    [
        pytest.param(wcwidth.width, id="by cluster, as Ink, ratatui and opentui"),
        pytest.param(one_each, id="by code point, as C libraries"),
        pytest.param(narrow_emoji, id="selectors change no width, as in older versions"),
        pytest.param(lambda text: 1 if text in EMOJI else wcwidth.width(text), id="tables older than the emoji"),
    ],
)
@pytest.mark.parametrize("emoji", EMOJI)
@pytest.mark.parametrize("relative", [False, True])
def test_program_of_any_opinion_on_widths_loses_no_letter(width, emoji: str, relative: bool) -> None:  # type: ignore[no-untyped-def]
    """A8: the program moves the cursor to where it believes each word to begin."""
    terminal = Terminal(80, 5)
    x = 0
    for word in ("Aaa", emoji, "thumb,", "字", emoji, "next", "word."):
        terminal.feed(word.encode())
        columns = sum(width(cluster) for cluster in wcwidth.iter_graphemes(word))
        terminal.feed(b"\x1b[C" if relative else f"\x1b[{x + columns + 2}G".encode())
        x += columns + 1
    terminal.refresh()
    shown = "".join(terminal.text().split())
    assert shown == f"Aaa{emoji}thumb,字{emoji}nextword."


def test_program_that_draws_right_behind_an_emoji_that_it_takes_for_narrow_loses_neither() -> None:
    """A8."""
    terminal = Terminal(20, 5)
    terminal.feed("1️⃣\x1b[2Gone ❤️\x1b[7Glove 👍🏽\x1b[1;14Hx".encode())
    terminal.refresh()
    assert terminal.text() == "1️⃣one ❤️love 👍🏽x"


@pytest.mark.parametrize(
    ("query", "reply"),
    [
        pytest.param("\x1b[?2027$p", b"\x1b[?2027;2$y", id="clusters, known"),
        pytest.param("\x1b[?2027h\x1b[?2027$p", b"\x1b[?2027;1$y", id="clusters, switched on"),
        pytest.param("\x1b[?2004h\x1b[?2004$p", b"\x1b[?2004;1$y", id="bracketed paste"),
        pytest.param("\x1b[?1049h\x1b[?1049$p", b"\x1b[?1049;1$y", id="alternate screen"),
        pytest.param("\x1b[4$p", b"\x1b[4;2$y", id="a public mode"),
        pytest.param("\x1b[?2026$p", b"\x1b[?2026;2$y", id="synchronized updates"),
        pytest.param("\x1b[?2031$p", b"\x1b[?2031;0$y", id="not known"),
    ],
)
def test_program_that_asks_for_a_mode_is_answered(query: str, reply: bytes) -> None:
    """A8: opentui and others ask before they rely on clusters."""
    terminal = Terminal(20, 5)
    terminal.feed(query.encode())
    assert terminal.take_replies() == reply
    terminal.refresh()
    assert terminal.text() == ""
