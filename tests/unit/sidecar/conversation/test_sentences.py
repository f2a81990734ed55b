"""A11: the state's message is the last sentence of the answer, without frames."""

from __future__ import annotations

import textwrap

import pytest

from taskyard.sidecar.conversation import sentences

LONG = (
    "The first one is that the cache was never emptied, which explains the numbers. The last sentence of this answer "
    "is longer than a row of the screen, e.g. for a test."
)
LAST = "The last sentence of this answer is longer than a row of the screen, e.g. for a test."


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param("Here it is.\n\nThat is all.", "That is all.", id="last paragraph"),
        pytest.param("● I wrote hello.txt. It has three lines.", "It has three lines.", id="last sentence"),
        pytest.param("✦ Done.", "Done.", id="mark of the program"),
        pytest.param("It failed.\n\n│ the script says so │\n╰────────────╯", "the script says so", id="frame"),
        pytest.param("Which?\n\n│ 1. First\n│ 2. Second\n│", "2. Second", id="last item of a quotation"),
        pytest.param("I ran:\n\n  make test\n  make check", "make check", id="short rows are not joined"),
        pytest.param("完成了。全部测试通过。", "全部测试通过。", id="Chinese"),
        pytest.param('He said "no." Then it ended', "Then it ended", id="no mark at the end"),
        pytest.param("see https://example.org/a.b?c=d", "see https://example.org/a.b?c=d", id="link"),
        pytest.param("╭──╮\n╰──╯", "", id="nothing but a frame"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_message_is_the_last_sentence(answer: str, expected: str) -> None:
    """A11"""
    assert sentences.last_sentence(answer, 80) == expected


@pytest.mark.parametrize("width", [52, 68, 75, 79])
@pytest.mark.parametrize("indent", ["", "  "])
def test_rows_of_a_wrapped_sentence_are_joined(width: int, indent: str) -> None:
    """A11"""
    wrapped = textwrap.fill(LONG, width, initial_indent="● ", subsequent_indent=indent)
    assert wrapped.count("\n") >= 2
    assert sentences.last_sentence(f"One.\n\n{wrapped}", 80) == LAST


def test_wrapped_item_of_a_list_is_the_last_sentence() -> None:
    """A11"""
    items = [textwrap.fill(f"- {number} {LONG}", 78, subsequent_indent="  ") for number in ("first", "second")]
    assert sentences.last_sentence("\n".join(items), 80) == LAST
