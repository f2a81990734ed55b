"""Files for the agent: written as its user, each into a new folder, without following links."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from unit.init.client import EXIT, FILE_BEGIN, FILE_DATA, FILE_END, FILE_STORED, Client
from unit.init.process import Running, Start, eventually


def finish(client: Client) -> tuple[bool, str]:
    """Ends the file; returns whether it was stored, and its path or the error."""
    _ = client.hello
    client.send(FILE_END)
    while True:
        kind, payload = client.read_frame()
        assert kind != EXIT
        if kind == FILE_STORED:
            return payload[0] == 0, payload[1:].decode()


def upload(client: Client, name: bytes, *pieces: bytes) -> tuple[bool, str]:
    client.send(FILE_BEGIN, name)
    for piece in pieces:
        client.send(FILE_DATA, piece)
    return finish(client)


@pytest.fixture
def running(start: Start) -> Running:
    return start("cat", options=("--tty", "80x24"))


@pytest.mark.parametrize("before_go", [True, False], ids=["before go", "while it runs"])
def test_a_file_is_stored_under_its_name(running: Running, run_dir: Path, before_go: bool) -> None:
    client = running.client()
    if not before_go:
        client.go()
    content = os.urandom(3 << 20)
    pieces = [content[at : at + (1 << 20)] for at in range(0, len(content), 1 << 20)]
    stored, path = upload(client, "Bericht ü.pdf".encode(), *pieces)
    assert stored, path
    found = Path(path)
    assert found.parent.parent == run_dir / "uploads"
    assert found.name == "Bericht ü.pdf"
    assert found.read_bytes() == content
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    assert stat.S_IMODE((run_dir / "uploads").stat().st_mode) == 0o700
    again = upload(client, "Bericht ü.pdf".encode(), b"another")
    assert again[0] and again[1] != path
    assert found.read_bytes() == content


def test_an_empty_file_is_a_file_too(running: Running) -> None:
    stored, path = upload(running.client(), b"empty")
    assert stored and Path(path).read_bytes() == b""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(b"..", id="parent"),
        pytest.param(b".", id="itself"),
        pytest.param(b"a/b", id="path"),
        pytest.param(b"a\0b", id="NUL"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"x" * 256, id="too long"),
    ],
)
def test_an_invalid_name_ends_the_connection(running: Running, run_dir: Path, name: bytes) -> None:
    client = running.client()
    client.send(FILE_BEGIN, name)
    assert client.is_closed()
    assert not (run_dir / "uploads").exists()
    assert running.state() == 0


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param([FILE_DATA], id="data without a file"),
        pytest.param([FILE_END], id="end without a file"),
        pytest.param([FILE_BEGIN, FILE_BEGIN], id="two at once"),
    ],
)
def test_frames_out_of_order_end_the_connection_and_leave_nothing(
    running: Running, run_dir: Path, kinds: list[int]
) -> None:
    client = running.client()
    for kind in kinds:
        client.send(kind, b"" if kind == FILE_END else b"x")
    assert client.is_closed()
    assert list((run_dir / "uploads").glob("*")) == []


def test_a_file_that_is_not_ended_is_removed(running: Running, run_dir: Path) -> None:
    client = running.client()
    client.send(FILE_BEGIN, b"half")
    client.send(FILE_DATA, b"x" * 1000)
    eventually(lambda: any((run_dir / "uploads").glob("*/half")), "the file is there")
    client.close()
    eventually(lambda: not any((run_dir / "uploads").iterdir()), "the file is gone")


def test_a_file_that_is_too_large_is_refused_and_removed(running: Running, run_dir: Path) -> None:
    stored, fault = upload(running.client(), b"large", *[b"x" * (1 << 20)] * 17)
    assert (stored, fault) == (False, "File too large")
    assert list((run_dir / "uploads").iterdir()) == []


def test_planted_links_are_not_followed(running: Running, run_dir: Path) -> None:
    elsewhere = run_dir / "elsewhere"
    elsewhere.mkdir()
    (run_dir / "uploads").symlink_to(elsewhere)
    stored, fault = upload(running.client(), b"file", b"x")
    assert (stored, fault) == (False, "Not a directory")
    assert list(elsewhere.iterdir()) == []


def test_a_folder_that_others_can_write_is_not_used(running: Running, run_dir: Path) -> None:
    (run_dir / "uploads").mkdir()
    (run_dir / "uploads").chmod(0o777)
    assert upload(running.client(), b"file", b"x") == (False, "Operation not permitted")


def test_the_terminal_continues_during_an_upload(running: Running) -> None:
    typist, sender = running.client(), running.client()
    typist.go()
    sender.send(FILE_BEGIN, b"file")
    typist.type("hello\n")
    typist.read_until("hello\r\nhello")
    sender.send(FILE_DATA, b"x")
    assert finish(sender)[0]
