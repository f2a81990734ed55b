"""The frames of taskyard-init's socket: type (1 byte), length (4 bytes, big endian), payload. Pure.

Frames are named tuples: each dataclass takes half a millisecond more to make, and the start of a Task waits for it.
"""

import enum
import struct
from collections.abc import Mapping
from typing import NamedTuple

HEADER = struct.Struct(">BI")
HELLO = struct.Struct(">BB16sHHQI")
SIZE = struct.Struct(">HH")
STATUS = struct.Struct(">I")
MAX_PAYLOAD_BYTES = 1 << 20
MAX_STORED_BYTES = 1024
PROTOCOL_VERSION = 2
TERMINAL = struct.Struct(">BBBB")
MAX_PROGRAM_NAME_BYTES = 64


class FrameError(ValueError):
    """The bytes are not frames of this protocol; the connection cannot be used any more."""


class Type(enum.IntEnum):
    HELLO = 1
    GO = 2
    OUTPUT = 3
    INPUT = 4
    RESIZE = 5
    EXIT = 6
    ERRORS = 7
    END_INPUT = 8
    INTERRUPT = 9
    FILE_BEGIN = 10
    FILE_DATA = 11
    FILE_END = 12
    FILE_STORED = 13
    ENDING = 14
    TERMINAL = 15


class State(enum.IntEnum):
    WAITING = 0
    RUNNING = 1
    EXITED = 2


class Foreground(enum.IntEnum):
    """The process group in the foreground of the terminal: the command's own, or another (a shell's job)."""

    OWN = 0
    OTHER = 1
    UNKNOWN = 2


class Reader(enum.IntEnum):
    """Whether a process of that group waits for input from the terminal; unknown where the kernel does not tell."""

    NO = 0
    YES = 1
    UNKNOWN = 2


class Hello(NamedTuple):
    """taskyard-init's first frame. `total` counts the bytes of output so far, of which the last `replayed` follow.

    `columns` and `rows` are 0 for a command with pipes. `version` is that of the protocol in the frames that follow.
    """

    state: State
    instance: str
    columns: int
    rows: int
    total: int
    replayed: int
    version: int = PROTOCOL_VERSION

    @property
    def replay_starts_at(self) -> int:
        return self.total - self.replayed


class Output(NamedTuple):
    data: bytes


class Errors(NamedTuple):
    """Standard error of a command with pipes; `Output` is its standard output."""

    data: bytes


class Ending(NamedTuple):
    """The command is about to be asked to end: output after this may come from its shutdown."""


class Exit(NamedTuple):
    """The command ended: its exit code, or 128 + signal."""

    status: int


class Stored(NamedTuple):
    """The result of sending a file: its path for the agent or, when it is not `ok`, what went wrong."""

    ok: bool
    text: str


class TerminalState(NamedTuple):
    """What the kernel knows about the terminal after the output that came before this frame.

    `command` names the program of whoever reads, or read last, in the foreground, else of the group's leader: at most
    64 printable characters, empty when it is not known. Version 2 and later.
    """

    foreground: Foreground
    command: str
    canonical: bool
    echo: bool
    reader: Reader


Frame = Hello | Output | Errors | Ending | Exit | Stored | TerminalState


class Decoder:
    """Splits the bytes from taskyard-init into frames. Keeps at most one incomplete frame."""

    def __init__(self) -> None:
        self._rest = bytearray()

    @property
    def in_frame(self) -> bool:
        """Whether the rest of a frame is still to come."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames completed by `data`. Raises FrameError for a frame that is unknown, too long or malformed."""
        self._rest += data
        frames: list[Frame] = []
        start = 0
        while len(self._rest) - start >= HEADER.size:
            kind, length = HEADER.unpack_from(self._rest, start)
            if length > MAX_PAYLOAD_BYTES:
                raise FrameError(f"frame of type {kind} with {length} bytes, at most {MAX_PAYLOAD_BYTES} are allowed")
            end = start + HEADER.size + length
            if len(self._rest) < end:
                break
            frames.append(_decode(kind, bytes(self._rest[start + HEADER.size : end])))
            start = end
        del self._rest[:start]
        return frames


def _decode(kind: int, payload: bytes) -> Frame:
    if kind == Type.OUTPUT:
        return Output(payload)
    if kind == Type.ERRORS:
        return Errors(payload)
    if kind == Type.HELLO:
        return _decode_hello(payload)
    if kind == Type.ENDING:
        if payload:
            raise FrameError(f"ending frame of {len(payload)} bytes, expected none")
        return Ending()
    if kind == Type.EXIT:
        if len(payload) != STATUS.size:
            raise FrameError(f"exit frame of {len(payload)} bytes, expected {STATUS.size}")
        return Exit(STATUS.unpack(payload)[0])
    if kind == Type.FILE_STORED:
        return _decode_stored(payload)
    if kind == Type.TERMINAL:
        return _decode_terminal(payload)
    raise FrameError(f"unknown frame type {kind}")


def _decode_hello(payload: bytes) -> Hello:
    if len(payload) != HELLO.size:
        raise FrameError(f"hello frame of {len(payload)} bytes, expected {HELLO.size}")
    version, state, instance, columns, rows, total, replayed = HELLO.unpack(payload)
    if not 1 <= version <= PROTOCOL_VERSION:
        raise FrameError(
            f"taskyard-init speaks version {version} of the protocol, this sidecar versions 1 to {PROTOCOL_VERSION}"
        )
    if state not in State.__members__.values():
        raise FrameError(f"hello frame with unknown state {state}")
    if replayed > total:
        raise FrameError(f"hello frame promises {replayed} bytes of {total}")
    return Hello(State(state), instance.hex(), columns, rows, total, replayed, version)


def _decode_stored(payload: bytes) -> Stored:
    text = payload[1:].decode(errors="replace")
    has_controls = any(character < " " or "\x7f" <= character <= "\x9f" for character in text)
    if not 1 < len(payload) <= MAX_STORED_BYTES or payload[0] > 1 or has_controls:
        raise FrameError(f"malformed answer of {len(payload)} bytes to a file")
    return Stored(payload[0] == 0, text)


def _decode_terminal(payload: bytes) -> TerminalState:
    size = len(payload) - TERMINAL.size
    if not 0 <= size <= MAX_PROGRAM_NAME_BYTES:
        raise FrameError(f"terminal frame of {len(payload)} bytes")
    foreground, canonical, echo, reader = TERMINAL.unpack_from(payload)
    if max(canonical, echo) > 1 or max(foreground, reader) > 2:
        raise FrameError(f"malformed terminal frame {payload[: TERMINAL.size].hex()}")
    name = payload[TERMINAL.size :].decode(errors="replace")
    command = "".join(character if character.isprintable() else "?" for character in name)
    return TerminalState(Foreground(foreground), command, bool(canonical), bool(echo), Reader(reader))


def encode(kind: Type, payload: bytes) -> bytes:
    """One frame. Raises FrameError for a payload of more than MAX_PAYLOAD_BYTES, which taskyard-init would refuse."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise FrameError(f"{kind.name.lower()} frame of {len(payload)} bytes, at most {MAX_PAYLOAD_BYTES} are allowed")
    return HEADER.pack(kind, len(payload)) + payload


def hello(version: int = PROTOCOL_VERSION) -> bytes:
    """A client's first frame: taskyard-init begins its stream again in that version. One of version 1 closes the
    connection.
    """
    return encode(Type.HELLO, bytes([version]))


def go(environment: Mapping[str, str], prompt: str) -> bytes:
    """The frame that starts the command. Raises FrameError for a name or value that no environment can hold."""
    block = bytearray()
    for name, value in environment.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise FrameError(f"environment variable {name!r} cannot be passed on")
        block += f"{name}={value}".encode() + b"\0"
    return encode(Type.GO, bytes(block) + b"\0" + prompt.encode())


def keystrokes(data: bytes) -> bytes:
    return encode(Type.INPUT, data)


def resize(columns: int, rows: int) -> bytes:
    return encode(Type.RESIZE, SIZE.pack(columns, rows))


def end_of_input() -> bytes:
    return encode(Type.END_INPUT, b"")


def interrupt() -> bytes:
    return encode(Type.INTERRUPT, b"")


def file_begin(name: str) -> bytes:
    return encode(Type.FILE_BEGIN, name.encode(errors="replace"))


def file_data(data: bytes) -> bytes:
    return encode(Type.FILE_DATA, data)


def file_end() -> bytes:
    return encode(Type.FILE_END, b"")
