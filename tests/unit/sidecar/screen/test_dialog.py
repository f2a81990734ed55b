"""What a dialog offers and says."""

from __future__ import annotations

# ruff: noqa: RUF001 - the programs' pointers
import pytest

from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import dialog
from unit.sidecar.recording import RECORDINGS, end_of


def showing(data: bytes, columns: int = 80, rows: int = 1000) -> Terminal:
    terminal = Terminal(columns, rows)
    terminal.feed(data)
    terminal.refresh()
    return terminal


def test_options_of_a_recorded_menu() -> None:
    recorded = (RECORDINGS / "claude-trust.bin").read_bytes()[: end_of("claude-trust", "asks")]
    assert dialog.menu_options(showing(recorded)) == (("1", "Yes, I trust this folder"), ("2", "No, exit"))


@pytest.mark.parametrize(
    ("screen", "options"),
    [
        ("Which?\r\n❯ 1. One\r\n  2. Two", (("1", "One"), ("2", "Two"))),
        ("1. first\r\n2. second\r\nNow?\r\n│ ● 1. Yes │\r\n│   2. No │", (("1", "Yes"), ("2", "No"))),
        ("no menu", ()),
        ("2. begins late", ()),
    ],
)
def test_options(screen: str, options: tuple[tuple[str, str], ...]) -> None:
    assert dialog.menu_options(showing(screen.encode())) == options


@pytest.mark.parametrize(
    ("screen", "words"),
    [
        ("Enter your API key:\r\n╭────╮\r\n│    │\r\n╰────╯", "Enter your API key:"),
        ("│ Login code > │", "Login code >"),
        ("────\r\n", "the program shows no input box"),
        ("", "the program shows no input box"),
    ],
)
def test_last_words(screen: str, words: str) -> None:
    assert dialog.last_words(showing(screen.encode())) == words
