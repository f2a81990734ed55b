"""Files for the agent: from a request's body, through the agent's socket, into the agent's container."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from taskyard.sidecar.http import multipart
from taskyard.sidecar.http.bodies import ProblemError
from taskyard.sidecar.http.multipart import FileParser, MultipartError
from taskyard.sidecar.init import client
from taskyard.sidecar.init.client import FileRefusedError, LostError

MAX_FILE_BYTES = 10 << 20
MAX_FORM_BYTES = MAX_FILE_BYTES + 65_536
AT_ONCE = 4
PIECE_TIMEOUT = 10.0
TIMEOUT = 120.0


class Uploads:
    """taskyard-init writes the file as the agent's user: a link that the agent planted gives it no more access."""

    def __init__(self, socket_path: str) -> None:
        self._socket_path = socket_path
        self._places = asyncio.Semaphore(AT_ONCE)

    async def take(self, request: Request) -> str:
        """Stores the form's file; returns its path for the agent. Raises ProblemError."""
        if self._places.locked():
            raise ProblemError(503, f"{AT_ONCE} files are on their way; try again later", close=True)
        async with self._places:
            try:
                async with asyncio.timeout(TIMEOUT):
                    return await self._take(request)
            except MultipartError as error:
                raise ProblemError(422, str(error), close=True) from None
            except LostError as error:
                raise ProblemError(502, str(error), close=True) from None
            except FileRefusedError as error:
                raise ProblemError(502, f"the file could not be written: {error}", close=True) from None
            except TimeoutError:
                raise ProblemError(408, "the file did not arrive in time") from None

    async def _take(self, request: Request) -> str:
        parser = FileParser(multipart.boundary(request.headers.get("Content-Type", "")))
        pieces = _pieces(request, parser)
        first = b""
        while parser.filename is None:
            try:
                first = await anext(pieces)
            except StopAsyncIteration:
                raise MultipartError(f"the form has no part named {multipart.FIELD}") from None
        return await client.send_file(self._socket_path, parser.filename, _chained(first, pieces))


async def _chained(first: bytes, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in pieces:
        yield piece


async def _pieces(request: Request, parser: FileParser) -> AsyncIterator[bytes]:
    """The file in pieces as it arrives, some of them empty. Raises MultipartError and ProblemError."""
    arrived = size = 0
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(PIECE_TIMEOUT):
                data = await anext(stream, None)
        except TimeoutError:
            raise ProblemError(408, f"nothing of the file arrived for {PIECE_TIMEOUT:.0f} s") from None
        except ClientDisconnect:
            raise ProblemError(400, "the client went away") from None
        if data is None:
            break
        arrived += len(data)
        piece = parser.feed(data)
        size += len(piece)
        if size > MAX_FILE_BYTES or arrived > MAX_FORM_BYTES:
            raise ProblemError(400, f"a file may have at most {MAX_FILE_BYTES} bytes", close=True)
        yield piece
    if not parser.finished:
        raise MultipartError("the form ends early")
