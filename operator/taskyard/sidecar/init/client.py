"""The client of taskyard-init's socket: reconnects, passes on frames, sends input. No other module uses the socket."""

import asyncio
import logging
import select
import socket
from collections.abc import AsyncIterable
from contextlib import suppress
from typing import Protocol

from taskyard.backoff import Backoff
from taskyard.sidecar.init import frames

logger = logging.getLogger(__name__)

READ_SIZE = 1 << 14
INPUT_SIZE = 1 << 14
SEND_TIMEOUT = 10.0
HELLO_TIMEOUT = 10.0
RETRY_FIRST = 0.1
RETRY_LAST = 2.0


class LostError(Exception):
    """There is no connection to taskyard-init, or it broke."""


class FileRefusedError(Exception):
    """A file could not be written on the agent's side; the text says why."""


class Receiver(Protocol):
    async def hello(self, hello: frames.Hello) -> None: ...

    async def output(self, data: bytes) -> None:
        """May take long: until it returns nothing more is read, so that the terminal slows the program down."""

    async def errors(self, data: bytes) -> None:
        """Standard error of a command with pipes."""

    async def terminal_state(self, state: frames.TerminalState) -> None:
        """What the kernel knows about the terminal, on change; not from a taskyard-init of version 1."""

    async def ending(self) -> None:
        """The command is about to be asked to end."""

    async def exited(self, status: int) -> None: ...

    async def lost(self) -> None: ...


class AgentClient:
    """One connection at a time, whose two directions are apart: a write that fails ends no reading, since a program may
    end, and taskyard-init after it, with its last output and its status still in the socket.
    """

    def __init__(self, path: str, receiver: Receiver) -> None:
        self._path = path
        self._receiver = receiver
        self._connection: socket.socket | None = None
        self._sending = asyncio.Lock()
        self._waits_for_data = False

    @property
    def drained(self) -> bool:
        """Whether the receiver has processed all that taskyard-init has sent: nothing waits in this process or in the
        socket. True without a connection.

        The event loop may be late, by seconds in a Pod with a small share of a core, so the kernel is asked.
        """
        connection = self._connection
        return connection is None or (self._waits_for_data and not _is_readable(connection))

    async def run(self) -> None:
        """Keeps a connection until cancelled. A missing socket is normal: the agent starts after the sidecar."""
        backoff = Backoff(first=RETRY_FIRST, longest=RETRY_LAST)
        waiting = False
        refused_by = ""
        while True:
            try:
                connection = await connect(self._path)
            except OSError as error:
                if not waiting:
                    logger.info("waiting for the agent at %s (%s)", self._path, error.strerror or error)
                    waiting = True
                refused_by = ""
                await asyncio.sleep(backoff.next())
                continue
            waiting = False
            stream = _Stream(refused_by)
            refused_by = ""
            try:
                # The first frame: no message's can be before it.
                await self._begin(connection, frames.hello() if stream.needs_hello else b"")
                refused_by = await self._follow(connection, stream)
            except (OSError, EOFError, TimeoutError, frames.FrameError) as error:
                logger.warning("connection to the agent at %s ended: %s", self._path, str(error) or "timed out")
            finally:
                self._connection = None
                self._waits_for_data = False
                _shut_down(connection)  # a write that waits fails now
                async with self._sending:
                    connection.close()
            if refused_by:
                continue
            if stream.began:
                backoff.reset()
            await self._receiver.lost()
            await asyncio.sleep(backoff.next())

    async def _begin(self, connection: socket.socket, hello: bytes) -> None:
        """Before anybody else sends. A hello that cannot be sent is no fault: what was said to us is read."""
        async with self._sending:
            self._connection = connection
            with suppress(ConnectionError):
                await _write(connection, hello)

    async def _follow(self, connection: socket.socket, stream: "_Stream") -> str:
        """Reads frames until the connection ends. Returns the run of taskyard-init that refused the hello, else ""."""
        decoder = frames.Decoder()
        while True:
            self._waits_for_data = stream.began and not decoder.in_frame
            try:
                async with asyncio.timeout(None if stream.began else HELLO_TIMEOUT):
                    data = await _read(connection)
            except ConnectionError:
                if stream.refused_by:
                    return stream.refused_by
                raise
            if not data:
                return stream.refused_by
            self._waits_for_data = False
            for frame in decoder.feed(data):
                if stream.passes_on(frame):
                    await self._pass_on(frame)

    async def _pass_on(self, frame: frames.Frame) -> None:
        if isinstance(frame, frames.Hello):
            await self._receiver.hello(frame)
        elif isinstance(frame, frames.Output):
            await self._receiver.output(frame.data)
        elif isinstance(frame, frames.Errors):
            await self._receiver.errors(frame.data)
        elif isinstance(frame, frames.TerminalState):
            await self._receiver.terminal_state(frame)
        elif isinstance(frame, frames.Ending):
            await self._receiver.ending()
        elif isinstance(frame, frames.Exit):
            await self._receiver.exited(frame.status)
        else:
            raise frames.FrameError("an answer to a file that was not sent")

    async def go(self, prompt: str, *, end_input: bool = False) -> None:
        """Starts the command; `end_input` also closes its standard input, in the same write, since there may be nobody
        left to take a second one. Raises LostError.
        """
        await self._send(frames.go({}, prompt) + (frames.end_of_input() if end_input else b""))

    async def input(self, data: bytes) -> None:
        """Raises LostError; part of the input may have arrived then."""
        for start in range(0, len(data), INPUT_SIZE):
            await self._send(frames.keystrokes(data[start : start + INPUT_SIZE]))

    async def interrupt(self) -> None:
        """Sends the command SIGINT. Raises LostError."""
        await self._send(frames.interrupt())

    async def _send(self, frame: bytes) -> None:
        async with self._sending:
            connection = self._connection
            if connection is None:
                raise LostError("no connection to the agent")
            try:
                await _write(connection, frame)
            except (OSError, asyncio.CancelledError) as error:
                _shut_down(connection)  # half a frame may have been sent; what has come is still read
                if isinstance(error, asyncio.CancelledError):
                    raise
                raise LostError(f"the agent accepts no input: {str(error) or 'timed out'}") from error


class _Stream:
    """Where the frames of a connection begin that are for the receiver.

    The client says hello first; taskyard-init answers with a stream that begins anew, with a hello of version 2. What
    came before is the beginning of a stream of version 1: it is skipped, since all of it comes again. A taskyard-init
    of version 1 closes the connection instead. The client then connects again and says nothing; that connection is
    for the same run of taskyard-init alone (`first_version_of`), since another run may speak version 2.
    """

    def __init__(self, first_version_of: str) -> None:
        self._first_version_of = first_version_of
        self._skipped = ""
        self.began = False

    @property
    def needs_hello(self) -> bool:
        return not self._first_version_of

    @property
    def refused_by(self) -> str:
        """The run of taskyard-init that has sent nothing but a stream of version 1; empty: none."""
        return "" if self.began else self._skipped

    def passes_on(self, frame: frames.Frame) -> bool:
        """Whether the receiver gets this frame. Raises FrameError for a stream that is not for it."""
        if self.began:
            return True
        if isinstance(frame, frames.Hello):
            if self._first_version_of not in ("", frame.instance):
                raise frames.FrameError("taskyard-init was started again")
            self.began = frame.version > 1 or not self.needs_hello
            self._skipped = frame.instance
        elif not self._skipped:
            raise frames.FrameError("the first frame was not a hello")
        return self.began


async def send_file(path: str, name: str, pieces: AsyncIterable[bytes]) -> str:
    """Stores a file in the agent's container, over a separate connection; returns its path there.

    Raises LostError, FileRefusedError, and what `pieces` raises. After a failure no part of the file remains.
    """
    try:
        connection = await connect(path)
    except OSError as error:
        raise LostError(f"the agent cannot be reached: {error.strerror or error}") from error
    answer = asyncio.create_task(_stored(connection))
    try:
        await _write(connection, frames.file_begin(name))
        async for piece in pieces:
            for start in range(0, len(piece), READ_SIZE):
                await _write(connection, frames.file_data(piece[start : start + READ_SIZE]))
        await _write(connection, frames.file_end())
        async with asyncio.timeout(SEND_TIMEOUT):
            stored = await answer
    except (OSError, EOFError, frames.FrameError) as error:
        raise LostError(f"the agent did not accept the file: {str(error) or 'timed out'}") from error
    finally:
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)
        connection.close()
    if not stored.ok:
        raise FileRefusedError(stored.text)
    return stored.text


async def _stored(connection: socket.socket) -> frames.Stored:
    """Skips the agent's output and returns the answer."""
    decoder = frames.Decoder()
    while True:
        data = await _read(connection)
        if not data:
            raise EOFError("connection lost")
        for frame in decoder.feed(data):
            if isinstance(frame, frames.Stored):
                return frame


async def connect(path: str) -> socket.socket:
    """Raises OSError. A socket and no transport of asyncio's, which ends both directions when a write fails."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


async def _read(connection: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(connection, READ_SIZE)


async def _write(connection: socket.socket, frame: bytes) -> None:
    async with asyncio.timeout(SEND_TIMEOUT):
        await asyncio.get_running_loop().sock_sendall(connection, frame)


def _shut_down(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _is_readable(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
