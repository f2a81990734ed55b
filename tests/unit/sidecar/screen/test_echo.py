# ruff: noqa: RUF001 - the programs' prompts are what they are
"""A6, T16: where a program shows a message, in screens written by hand."""

from __future__ import annotations

import pytest

from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import echo, programs

MESSAGE = "please read this text and then tell me what is in it\nthank you"


def shown(*rows: str) -> Terminal:
    terminal = Terminal(80, 24)
    terminal.feed("\r\n".join(rows).encode())
    terminal.refresh()
    return terminal


@pytest.mark.parametrize(
    ("rows", "past"),
    [
        pytest.param(
            ("› please read this text and then tell me what is in it", "  thank you", "", "• ok"), 2, id="whole"
        ),
        pytest.param(("› please read this text and then", "  tell me what is in it", "  thank you"), 3, id="wrapped"),
        pytest.param(("› please read [Pasted text #1 +1 lines]", "", "• ok"), 1, id="placeholder at its end"),
        pytest.param(("› please read [Pasted text #1 +1 lines] thank you", "", "• ok"), 1, id="placeholder inside"),
        pytest.param(
            ("› please read", "  ──── (3 lines hidden) ────", "  thank you", "", "• ok"), 3, id="lines hidden"
        ),
        pytest.param(("› please write", "", "• ok"), None, id="another message"),
        pytest.param(("› please read [Pasted text #1 +1 lines] thank him", "", "• ok"), None, id="another end"),
        pytest.param(("› please read this", "", "• ok"), None, id="the beginning alone"),
    ],
)
def test_echo_ends_where_the_message_does(rows: tuple[str, ...], past: int | None) -> None:
    """T16"""
    assert echo.end_of(programs.named("codex"), shown(*rows), 0, len(rows), MESSAGE) == past


@pytest.mark.parametrize(
    ("old", "new", "known"),
    [
        pytest.param("abc", "abcde", 3, id="more"),
        pytest.param("abc", "bcde", 2, id="the first has scrolled away"),
        pytest.param("abab", "ababab", 4, id="the same again"),
        pytest.param("abc", "ab", 2, id="half drawn"),
        pytest.param("abc", "xyz", 0, id="another screen"),
        pytest.param("", "abc", 0, id="nothing before"),
        pytest.param("abc", "", 0, id="nothing now"),
    ],
)
def test_what_was_there_before_is_known_again(old: str, new: str, known: int) -> None:
    """A6"""
    assert echo.overlap(old, new) == known
