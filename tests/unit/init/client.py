"""A client of taskyard-init's socket, for the tests: blocking, with timeouts; docs/contracts.md has the frames."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

HELLO, GO, OUTPUT, INPUT, RESIZE, EXIT, ERRORS, END_INPUT, INTERRUPT = range(1, 10)
FILE_BEGIN, FILE_DATA, FILE_END, FILE_STORED, ENDING, TERMINAL = range(10, 16)
WAITING, RUNNING, EXITED = range(3)

PATIENCE = 10.0  # seconds; no wait of a test is longer


@dataclass(frozen=True)
class Hello:
    version: int
    state: int
    instance: bytes
    columns: int
    rows: int
    total: int
    replay: int

    @classmethod
    def parse(cls, payload: bytes) -> Hello:
        return cls(*struct.unpack(">BB16sHHQI", payload))


def frame(kind: int, payload: bytes = b"") -> bytes:
    return struct.pack(">BI", kind, len(payload)) + payload


def go_payload(environment: Mapping[str, str], prompt: str | bytes) -> bytes:
    entries = b"".join(f"{name}={value}".encode() + b"\0" for name, value in environment.items())
    return entries + b"\0" + (prompt.encode() if isinstance(prompt, str) else prompt)


@dataclass(frozen=True)
class Terminal:
    """What the kernel knows about the terminal."""

    foreground: str
    canonical: bool
    echo: bool
    reader: str
    name: str

    @classmethod
    def parse(cls, payload: bytes) -> Terminal:
        foreground, canonical, echo, reader = payload[:4]
        assert max(canonical, echo) <= 1
        assert len(payload) <= 68
        names = ("own", "other", "unknown"), ("no", "yes", "unknown")
        return cls(names[0][foreground], bool(canonical), bool(echo), names[1][reader], payload[4:].decode())


class Client:
    """One connection. `screen` is all output so far, `errors` that of standard error where it has a pipe of its own,
    `ending` whether the ending frame came, `status` the exit status once it came, `told` what was told about the
    terminal. A client of version 2 or later says hello, and skips what comes before it is answered.
    """

    def __init__(self, path: Path, *, receive_buffer: int | None = None, version: int = 1) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        self.screen = bytearray()
        self.errors = bytearray()
        self.ending = False
        self.status: int | None = None
        self.told: list[Terminal] = []
        self.version = version
        self._hello: Hello | None = None
        if version > 1:
            self.send(HELLO, bytes([version]))

    @property
    def hello(self) -> Hello:
        if self._hello is None:
            kind, payload = self.read_frame()
            assert kind == HELLO
            self._hello = Hello.parse(payload)
            assert self._hello.version == 1
            while self.version > 1 and self._hello.version == 1:
                kind, payload = self.read_frame()
                assert kind != TERMINAL
                self._hello = Hello.parse(payload) if kind == HELLO else self._hello
        return self._hello

    def send(self, kind: int, payload: bytes = b"") -> None:
        self.socket.sendall(frame(kind, payload))

    def go(self, environment: Mapping[str, str] | None = None, prompt: str | bytes = "") -> None:
        self.send(GO, go_payload(environment or {}, prompt))

    def type(self, text: str | bytes) -> None:
        self.send(INPUT, text.encode() if isinstance(text, str) else text)

    def resize(self, columns: int, rows: int) -> None:
        self.send(RESIZE, struct.pack(">HH", columns, rows))

    def end_input(self) -> None:
        self.send(END_INPUT)

    def interrupt(self) -> None:
        self.send(INTERRUPT)

    def read_exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self.socket.recv(size - len(parts))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def read_frame(self) -> tuple[int, bytes]:
        """The next frame; EOFError when the connection has ended."""
        kind, size = struct.unpack(">BI", self.read_exactly(5))
        return kind, self.read_exactly(size)

    def take(self) -> None:
        """Reads one frame: output, ending, terminal or exit."""
        _ = self.hello
        kind, payload = self.read_frame()
        if kind == OUTPUT:
            self.screen += payload
        elif kind == ERRORS:
            self.errors += payload
        elif kind == TERMINAL:
            assert self.version > 1
            self.told.append(Terminal.parse(payload))
        elif kind == ENDING:
            assert not self.ending
            assert payload == b""
            self.ending = True
        else:
            assert kind == EXIT
            (self.status,) = struct.unpack(">I", payload)

    def read_until(self, found: str | bytes | Callable[[bytes], bool]) -> bytes:
        """Reads output until the text is in it, or the function returns true; returns all output so far."""
        text = found.encode() if isinstance(found, str) else found
        deadline = time.monotonic() + PATIENCE
        while not (text(bytes(self.screen)) if callable(text) else text in self.screen):
            if self.status is not None or time.monotonic() > deadline:
                raise AssertionError(f"{found!r} is not in {bytes(self.screen[-2000:])!r}")
            self.take()
        return bytes(self.screen)

    def read_until_told(self, **expected: str | bool) -> Terminal:
        """Reads until the newest of what was told about the terminal is so; returns it."""
        deadline = time.monotonic() + PATIENCE
        while not (self.told and all(getattr(self.told[-1], name) == value for name, value in expected.items())):
            left = deadline - time.monotonic()
            if self.status is not None or not select.select([self.socket], [], [], max(0, left))[0]:
                raise AssertionError(f"{expected} is not in {self.told[-20:]}, {bytes(self.screen[-2000:])!r}")
            self.take()
        return self.told[-1]

    def read_for(self, seconds: float) -> None:
        """Reads whatever comes in that time."""
        deadline = time.monotonic() + seconds
        _ = self.hello
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.socket], [], [], left)[0]:
                self.take()

    def read_to_exit(self) -> int:
        """Reads to the exit frame and to the end of the connection after it; returns the status."""
        while self.status is None:
            self.take()
        assert self.is_closed()
        return self.status

    def is_closed(self) -> bool:
        """Has the other side closed the connection? Discards what came before, for at most PATIENCE."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if not self.socket.recv(1 << 16):
                    return True
            except ConnectionResetError:
                return True
        return False

    def close(self) -> None:
        self.socket.close()
