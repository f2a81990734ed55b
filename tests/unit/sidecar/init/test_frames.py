from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskyard.sidecar.init import frames

HELLO = frames.Hello(frames.State.RUNNING, "00112233445566778899aabbccddeeff", 80, 1000, 500, 100, 1)


def wire(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BI", kind, len(payload)) + payload


def hello(version: int = 1, state: int = 1, total: int = 500, replayed: int = 100) -> bytes:
    instance = bytes.fromhex(HELLO.instance)
    return wire(1, struct.pack(">BB16sHHQI", version, state, instance, 80, 1000, total, replayed))


def test_hello_tells_where_the_replay_starts() -> None:
    assert frames.Decoder().feed(hello()) == [HELLO]
    assert HELLO.replay_starts_at == 400


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(1, 50))
def test_frames_are_the_same_however_the_bytes_are_cut(outputs: list[bytes], size: int) -> None:
    stream = hello() + b"".join(wire(3, output) for output in outputs) + wire(7, b"!")
    stream += wire(14, b"") + wire(6, struct.pack(">I", 143))
    decoder = frames.Decoder()
    decoded = [frame for start in range(0, len(stream), size) for frame in decoder.feed(stream[start : start + size])]
    assert decoded == [HELLO, *map(frames.Output, outputs), frames.Errors(b"!"), frames.Ending(), frames.Exit(143)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(wire(10, b""), "unknown frame type 10", id="unknown type"),
        pytest.param(wire(2, b""), "unknown frame type 2", id="a frame only clients send"),
        pytest.param(struct.pack(">BI", 3, (1 << 20) + 1), "at most 1048576", id="too long, refused before it is read"),
        pytest.param(wire(1, b"short"), "hello frame of 5 bytes", id="short hello"),
        pytest.param(hello(version=3), "speaks version 3", id="a later version"),
        pytest.param(hello(version=0), "speaks version 0", id="no version"),
        pytest.param(hello(state=7), "unknown state 7", id="unknown state"),
        pytest.param(hello(total=1, replayed=2), "promises 2 bytes of 1", id="more replayed than written"),
        pytest.param(wire(14, b"\0"), "ending frame of 1 bytes", id="an ending with a payload"),
        pytest.param(wire(6, b"\0"), "exit frame of 1 bytes", id="short exit"),
        pytest.param(wire(15, b"\0\0\0"), "terminal frame of 3 bytes", id="a short terminal frame"),
        pytest.param(wire(15, bytes(4 + 65)), "terminal frame of 69 bytes", id="a long name"),
        pytest.param(wire(15, b"\3\0\0\0sh"), "malformed terminal frame 03000000", id="unknown foreground"),
        pytest.param(wire(15, b"\0\2\0\0sh"), "malformed terminal frame 00020000", id="neither line nor key mode"),
        pytest.param(wire(15, b"\0\0\2\0sh"), "malformed terminal frame 00000200", id="half an echo"),
        pytest.param(wire(15, b"\0\0\0\3sh"), "malformed terminal frame 00000003", id="unknown reader"),
    ],
)
def test_bad_frames_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(frames.FrameError, match=message):
        frames.Decoder().feed(data)


@settings(deadline=None)  # the machine may be busy
@given(st.binary(max_size=2000))
def test_garbage_gives_frames_or_a_frame_error(data: bytes) -> None:
    with contextlib.suppress(frames.FrameError):
        frames.Decoder().feed(data)


@pytest.mark.parametrize(
    ("payload", "state"),
    [
        pytest.param(
            b"\0\1\0\1bash",
            frames.TerminalState(frames.Foreground.OWN, "bash", True, False, frames.Reader.YES),
            id="a password prompt",
        ),
        pytest.param(
            b"\1\0\1\2" + "größe\u202e".encode() + b"\x1b\xff",
            frames.TerminalState(frames.Foreground.OTHER, "größe??\ufffd", False, True, frames.Reader.UNKNOWN),
            id="a name that cannot be printed",
        ),
        pytest.param(
            b"\2\1\1\0",
            frames.TerminalState(frames.Foreground.UNKNOWN, "", True, True, frames.Reader.NO),
            id="no name",
        ),
    ],
)
def test_terminal_tells_what_the_kernel_knows(payload: bytes, state: frames.TerminalState) -> None:
    assert frames.Decoder().feed(wire(15, payload)) == [state]


def test_a_client_says_hello_in_its_version() -> None:
    assert frames.hello() == wire(1, b"\2")
    [answer] = frames.Decoder().feed(hello(version=2))
    assert isinstance(answer, frames.Hello)
    assert answer.version == 2


def test_go_carries_environment_and_prompt() -> None:
    assert frames.go({"A": "1", "B": ""}, "do ü") == wire(2, b"A=1\0B=\0\0" + "do ü".encode())
    assert frames.go({}, "") == wire(2, b"\0")


@pytest.mark.parametrize("name", ["", "A=B", "A\0"])
def test_go_refuses_invalid_variable_names(name: str) -> None:
    with pytest.raises(frames.FrameError):
        frames.go({name: "x"}, "")


def test_input_and_resize() -> None:
    assert frames.keystrokes(b"ls\r") == wire(4, b"ls\r")
    assert frames.resize(80, 1000) == wire(5, b"\0\x50\x03\xe8")
    with pytest.raises(frames.FrameError):
        frames.keystrokes(bytes((1 << 20) + 1))


def test_a_file_with_every_kind_of_space_is_stored() -> None:
    """T8"""
    path = "/run/uploads/0a/10.00\u202fPM\u3000👩\u200d🚀.png"
    assert frames.Decoder().feed(hello() + wire(13, b"\0" + path.encode()))[-1] == frames.Stored(True, path)
