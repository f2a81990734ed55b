"""Long lists as answers: made a piece at a time, so that the process does other work in between, and never all of one
is in memory."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from fastapi.responses import Response
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from taskyard.bytebudget import ByteBudget
from taskyard.gateway.http.json_encoding import encoded

PIECE_BYTES = 131_072
PIECE_ENTRIES = 50
# How long a client may take to read an answer.
ANSWER_SECONDS = 300.0

# What the pieces of all answers may hold at a time, and of the answers to one caller. One entry is never larger than
# that: a Task's prompt has at most 65,536 characters.
ALL_PIECES_BYTES, CALLER_PIECES_BYTES = 24 << 20, 8 << 20

T = TypeVar("T")
C = TypeVar("C", contravariant=True)

_JSON = "application/json"


class Fetching(Protocol[C]):
    """What some entries need before they can be shown."""

    def lacks(self, entries: Sequence[C], /) -> bool: ...

    async def fetch(self, entries: Sequence[C], /) -> None: ...


class ListAnswers:
    """The lists that are being answered. Only one piece of them all is made in one turn of the event loop."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self.budget = ByteBudget(most=ALL_PIECES_BYTES, each=CALLER_PIECES_BYTES)

    def answer(
        self,
        caller: Hashable,
        name: str,
        entries: Sequence[T],
        shown: Callable[[T], Any],
        *,
        size: Callable[[T], int],
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        fetching: Fetching[T] | None = None,
    ) -> Response:
        """`{NAME: [what is shown of each entry], …more}`; without a name the array alone. `size` is about the bytes of
        an entry's JSON. What the entries of a piece lack is fetched by `fetching` before they are shown."""
        is_small = len(entries) <= PIECE_ENTRIES and sum(map(size, entries)) <= PIECE_BYTES
        if is_small and not (fetching and fetching.lacks(entries)):
            found = [shown(entry) for entry in entries]
            body = encoded({name: found, **(more or {})} if name else found)
            return Response(body, headers=headers, media_type=_JSON)
        begin, end = b"[", b"]"
        if name:
            begin, end = b"{%b:[" % encoded(name), b"]%b}" % _members(more or {})
        return _Answer(self._pieces(caller, entries, shown, size, fetching, begin=begin, end=end), headers=headers)

    async def _pieces(
        self,
        caller: Hashable,
        entries: Sequence[T],
        shown: Callable[[T], Any],
        size: Callable[[T], int],
        fetching: Fetching[T] | None,
        *,
        begin: bytes,
        end: bytes,
    ) -> AsyncGenerator[tuple[bytes, bool], None]:
        """What is shown of the entries, of which there are some, in pieces that are held until the client has taken
        them, and whether another one follows."""
        before, rest = begin, len(entries)
        for part, estimate in _parts(entries, size):
            rest -= len(part)
            with await self.budget.lease(caller, min(estimate, CALLER_PIECES_BYTES)):
                if fetching and fetching.lacks(part):
                    await fetching.fetch(part)
                async with self._turn:
                    array = encoded([shown(entry) for entry in part])
                    piece = b"".join((before, memoryview(array)[1:-1], b"" if rest else end))
                    del array
                    await asyncio.sleep(0)
                yield piece, bool(rest)
                del piece
            before = b","


class _Answer(StreamingResponse):
    """An answer that its client has to read within ANSWER_SECONDS; when the client leaves, the rest is not made."""

    def __init__(self, pieces: AsyncGenerator[tuple[bytes, bool], None], *, headers: Mapping[str, str] | None) -> None:
        super().__init__((), headers=headers, media_type=_JSON)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head: Message | None = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        # With one asyncio task, where StreamingResponse has a group of two.
        listening = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            async with asyncio.timeout(ANSWER_SECONDS) as limit:

                def leave(_: object) -> None:
                    limit.reschedule(0)

                listening.add_done_callback(leave)
                try:
                    async for piece, is_followed in self._pieces:
                        # The head waits for the first piece, so that both become one write.
                        if head is not None:
                            await send(head)
                            head = None
                        await send({"type": "http.response.body", "body": piece, "more_body": is_followed})
                finally:
                    listening.remove_done_callback(leave)
        except TimeoutError:
            # The server closes the connection of an answer without an end.
            if head is not None:
                await send(head)
        finally:
            listening.cancel()
            await self._pieces.aclose()


def text_bytes(text: str) -> int:
    """About the bytes of a text in JSON, without a look at it: a character of ASCII may be escaped."""
    return len(text) * (2 if text.isascii() else 4)


def _members(document: Mapping[str, Any]) -> bytes:
    return b"".join(b",%b:%b" % (encoded(name), encoded(value)) for name, value in document.items())


def _parts(entries: Sequence[T], size: Callable[[T], int]) -> Iterator[tuple[list[T], int]]:
    """The entries in parts of about PIECE_BYTES at most, or of one entry, with the bytes of each part."""
    part: list[T] = []
    total = 0
    for entry in entries:
        found = size(entry)
        if part and (total + found > PIECE_BYTES or len(part) == PIECE_ENTRIES):
            yield part, total
            part, total = [], 0
        part.append(entry)
        total += found
    if part:
        yield part, total
