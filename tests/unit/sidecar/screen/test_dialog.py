"""What a dialog says for which there is no pattern."""

from __future__ import annotations

import pytest

from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.screen import dialog


def showing(data: bytes, columns: int = 80, rows: int = 1000) -> Terminal:
    terminal = Terminal(columns, rows)
    terminal.feed(data)
    terminal.refresh()
    return terminal


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
