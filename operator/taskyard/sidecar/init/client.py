"""The client of taskyard-init's socket: reconnects, passes on frames, sends input. No other module uses the socket."""

import asyncio
import logging
import select
from collections.abc import AsyncIterable
from typing import Protocol

from taskyard.backoff import Backoff
from taskyard.sidecar.init import frames

logger = logging.getLogger(__name__)

READ_SIZE = 1 << 16
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

    async def ending(self) -> None:
        """The command is about to be asked to end."""

    async def exited(self, status: int) -> None: ...

    async def lost(self) -> None: ...


class AgentClient:
    def __init__(self, path: str, receiver: Receiver) -> None:
        self._path = path
        self._receiver = receiver
        self._writer: asyncio.StreamWriter | None = None
        self._sending = asyncio.Lock()
        self._waits_for_data = False

    @property
    def drained(self) -> bool:
        """Whether the receiver has processed all that taskyard-init has sent: nothing waits in this process or in the
        socket. True without a connection; what was read before a connection broke waits all the same.

        The event loop may be late, by seconds in a Pod with a small share of a core, so the kernel is asked.
        """
        writer = self._writer
        if writer is None:
            return True
        return self._waits_for_data and (writer.is_closing() or not _is_readable(writer))

    async def run(self) -> None:
        """Keeps a connection until cancelled. A missing socket is normal: the agent starts after the sidecar."""
        backoff = Backoff(first=RETRY_FIRST, longest=RETRY_LAST)
        waiting = False
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path, limit=READ_SIZE)
            except OSError as error:
                if not waiting:
                    logger.info("waiting for the agent at %s (%s)", self._path, error.strerror or error)
                    waiting = True
                await asyncio.sleep(backoff.next())
                continue
            waiting = False
            self._writer = writer
            try:
                if await self._follow(reader):
                    backoff.reset()
            except (OSError, EOFError, TimeoutError, frames.FrameError) as error:
                logger.warning("connection to the agent at %s ended: %s", self._path, error or type(error).__name__)
            finally:
                self._writer = None
                self._waits_for_data = False
                writer.transport.abort()
            await self._receiver.lost()
            await asyncio.sleep(backoff.next())

    async def _follow(self, reader: asyncio.StreamReader) -> bool:
        """Reads frames until the connection ends. True when taskyard-init has sent its hello."""
        decoder = frames.Decoder()
        introduced = False
        while True:
            self._waits_for_data = not decoder.in_frame
            if introduced:
                data = await reader.read(READ_SIZE)
            else:
                async with asyncio.timeout(HELLO_TIMEOUT):
                    data = await reader.read(READ_SIZE)
            if not data:
                return introduced
            self._waits_for_data = False
            for frame in decoder.feed(data):
                if isinstance(frame, frames.Hello):
                    introduced = True
                    await self._receiver.hello(frame)
                elif not introduced:
                    raise frames.FrameError("the first frame was not a hello")
                elif isinstance(frame, frames.Output):
                    await self._receiver.output(frame.data)
                elif isinstance(frame, frames.Errors):
                    await self._receiver.errors(frame.data)
                elif isinstance(frame, frames.Ending):
                    await self._receiver.ending()
                elif isinstance(frame, frames.Exit):
                    await self._receiver.exited(frame.status)
                else:
                    raise frames.FrameError("an answer to a file that was not sent")

    async def go(self, prompt: str) -> None:
        await self._send(frames.go({}, prompt))

    async def input(self, data: bytes) -> None:
        """Raises LostError; part of the input may have arrived then."""
        for start in range(0, len(data), INPUT_SIZE):
            await self._send(frames.keystrokes(data[start : start + INPUT_SIZE]))

    async def end_input(self) -> None:
        """Closes the command's standard input. Raises LostError."""
        await self._send(frames.end_of_input())

    async def interrupt(self) -> None:
        """Sends the command SIGINT. Raises LostError."""
        await self._send(frames.interrupt())

    async def _send(self, frame: bytes) -> None:
        async with self._sending:
            writer = self._writer
            if writer is None or writer.is_closing():
                raise LostError("no connection to the agent")
            try:
                await _write(writer, frame)
            except (OSError, TimeoutError) as error:
                raise LostError(f"the agent accepts no input: {error or 'timed out'}") from error


def _is_readable(writer: asyncio.StreamWriter) -> bool:
    poll = select.poll()
    poll.register(writer.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


async def send_file(path: str, name: str, pieces: AsyncIterable[bytes]) -> str:
    """Stores a file in the agent's container, over a separate connection; returns its path there.

    Raises LostError, FileRefusedError, and what `pieces` raises. After a failure no part of the file remains.
    """
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=READ_SIZE)
    except OSError as error:
        raise LostError(f"the agent cannot be reached: {error.strerror or error}") from error
    answer = asyncio.create_task(_stored(reader))
    try:
        await _write(writer, frames.file_begin(name))
        async for piece in pieces:
            for start in range(0, len(piece), READ_SIZE):
                await _write(writer, frames.file_data(piece[start : start + READ_SIZE]))
        await _write(writer, frames.file_end())
        async with asyncio.timeout(SEND_TIMEOUT):
            stored = await answer
    except (OSError, EOFError, frames.FrameError) as error:
        raise LostError(f"the agent did not accept the file: {error or 'connection lost'}") from error
    finally:
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)
        writer.transport.abort()
    if not stored.ok:
        raise FileRefusedError(stored.text)
    return stored.text


async def _write(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(frame)
    if writer.transport.get_write_buffer_size() > 0:
        async with asyncio.timeout(SEND_TIMEOUT):
            await writer.drain()


async def _stored(reader: asyncio.StreamReader) -> frames.Stored:
    """Skips the agent's output and returns the answer."""
    decoder = frames.Decoder()
    while True:
        data = await reader.read(READ_SIZE)
        if not data:
            raise EOFError("connection lost")
        for frame in decoder.feed(data):
            if isinstance(frame, frames.Stored):
                return frame
