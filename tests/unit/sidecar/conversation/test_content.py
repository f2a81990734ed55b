"""The part of a message's content that reaches an agent."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskyard.sidecar.conversation.content import fault, keyless, removed, typable, warning
from taskyard.sidecar.drivers.terminal.typist import PASTE_END, PASTE_START, keystrokes


@pytest.mark.parametrize(
    ("content", "typed"),
    [
        pytest.param("hello", "hello", id="plain"),
        pytest.param("a\r\nb\rc\n", "a\nb\nc", id="line ends"),
        pytest.param("a\x1b[201~\x03b\x00\x7f\x9b", "a[201~b", id="nothing that ends the paste or the program"),
        pytest.param("tab\tü😀", "tab\tü😀", id="tabs and all of Unicode"),
        pytest.param(
            "10\u00a0000\u3000€ 👩\u200d🚀\u200e\ue0b0",
            "10\u00a0000\u3000€ 👩\u200d🚀\u200e\ue0b0",
            id="spaces, joiners",
        ),
    ],
)
def test_only_text_is_typed(content: str, typed: str) -> None:
    """T14"""
    assert typable(content) == typed


@given(st.text(), st.booleans())
def test_no_text_is_a_key(text: str, bracketed: bool) -> None:
    """T14"""
    typed = keystrokes(text, bracketed=bracketed)
    inside = typed.removeprefix(PASTE_START).removesuffix(PASTE_END) if bracketed else typed
    assert not [c for c in inside.decode() if unicodedata.category(c) == "Cc" and c not in "\r\t"]
    assert keyless(keyless(text)) == keyless(text)
    assert typable(typable(text)) == typable(text)


@given(st.text())
def test_nothing_else_is_taken_out_and_that_is_told(text: str) -> None:
    """T14"""
    line_feeds = text.replace("\r\n", "\n").replace("\r", "\n")
    gone = [c for c in line_feeds if unicodedata.category(c) == "Cc" and c not in "\n\t"]
    assert keyless(text) == "".join(c for c in line_feeds if c not in gone)
    assert len(removed(text)) == len(set(gone))
    assert bool(warning(text)) == bool(gone)
    assert bool(fault(text)) == (not typable(text).strip())


def test_what_is_taken_out_has_a_name() -> None:
    assert removed("a\x1b[201~\x03b\x1b\x04\x00\x08\x7f\x9b\x1c\r\n") == [
        *("ESC", "Ctrl-C", "Ctrl-D", "NUL", "Backspace", "DEL", "U+009B", "Ctrl-\\")
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("x\x03", "", id="text with a key"),
        pytest.param(" \n", "must not be empty", id="blank"),
        pytest.param("\x03\x1b", "Ctrl-C, ESC", id="keys"),
        pytest.param(" \x04\n", "Ctrl-D", id="a key and blanks"),
    ],
)
def test_a_message_of_keys_alone_has_a_fault(content: str, said: str) -> None:
    """T14"""
    assert (said in fault(content)) if said else not fault(content)
