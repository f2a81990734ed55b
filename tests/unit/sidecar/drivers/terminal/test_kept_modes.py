"""The terminal's modes, which taskyard-init's ring may have no more."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.sidecar.drivers.terminal import kept_modes
from taskyard.sidecar.drivers.terminal.kept_modes import EVERY, SPARE, KeptModes
from taskyard.sidecar.emulator.terminal import Terminal

# A sixty-fourth of the real sizes: a look at each KiB of output, of which taskyard-init has four.
LOOK, WINDOW = 1 << 10, 4 << 10
MODES = ["2004", "1049", "7", "2027", "6", "2026"]
SWITCHES = [f"\x1b[?{mode}{to}".encode() for mode in MODES for to in "hl"]
SWITCHES += [b"\x1b[4h", b"\x1b[4l", b"\x1b[2;5r", b"\x1b[r", b"\x1bc"]
# What a program prints: a switch, or so many lines of sixteen bytes.
OUTPUT = st.lists(st.one_of(st.sampled_from(SWITCHES), st.integers(1, 90)), max_size=20)


def printed(parts: list[bytes | int]) -> bytes:
    return b"".join(part if isinstance(part, bytes) else b"---------------\n" * part for part in parts)


def fed(terminal: Terminal, kept: KeptModes, output: bytes, position: int) -> None:
    """In the pieces in which the driver feeds it."""
    for start in range(0, len(output), 128):
        piece = output[start : start + 128]
        terminal.feed(piece)
        position += len(piece)
        kept.follow(terminal, position)


@given(OUTPUT)
@settings(max_examples=60, deadline=None)
def test_a_new_sidecar_that_sees_the_newest_output_has_the_modes_of_all(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes | int]
) -> None:
    path = tmp_path_factory.mktemp("state") / "terminal.jsonl"
    output = printed(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_modes, "EVERY", LOOK)
        first, kept = Terminal(20, 8), KeptModes(path)
        assert kept.begin_run("run", 0) == b""
        fed(first, kept, output, 0)
        starts_at = max(0, len(output) - WINDOW)
        again, kept = Terminal(20, 8), KeptModes(path)
        again.feed(kept.begin_run("run", starts_at))
        fed(again, kept, output[starts_at:], starts_at)
    assert again.modes == first.modes


def test_another_run_has_none_of_them(tmp_path: Path) -> None:
    path = tmp_path / "terminal.jsonl"
    kept = KeptModes(path)
    kept.begin_run("run", 0)
    fed(Terminal(80, 24), kept, b"\x1b[?2004h" + b"." * EVERY, 0)
    assert b"\x1b[?2004h" in KeptModes(path).begin_run("run", 9)
    assert KeptModes(path).begin_run("run", 0) == b"", "all of its output follows"
    assert KeptModes(path).begin_run("another", 9) == b""


def test_a_connection_that_begins_anew_needs_no_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    kept = KeptModes(tmp_path / "missing" / "terminal.jsonl")
    kept.begin_run("run", 0)
    terminal = Terminal(80, 24)
    for _ in range(3):
        fed(terminal, kept, b"\x1b[?2004h" + b"." * EVERY, 0)
        fed(terminal, kept, b"\x1b[?2004l" + b"." * EVERY, EVERY)
    assert len(caplog.records) == 1, "a disk that fails is one line of log"
    assert b"\x1b[?2004l" in kept.begin_run("run", 9)


def test_the_file_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "terminal.jsonl"
    kept = KeptModes(path)
    kept.begin_run("run", 0)
    terminal = Terminal(80, 24)
    for number in range(2000):
        terminal.feed(b"\x1b[?2004h" if number % 2 else b"\x1b[?2004l")
        kept.follow(terminal, (number + 1) * EVERY)
    assert path.stat().st_size <= SPARE + 1024
    assert KeptModes(path).begin_run("run", 9) == terminal.modes.encode()
