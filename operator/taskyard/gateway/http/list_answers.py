"""Long lists as answers: made a piece at a time, so that the process does other work in between, and never all of one
is in memory."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from fastapi.responses import JSONResponse, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from taskyard.bytebudget import ByteBudget

PIECE_BYTES = 65_536
PIECE_ENTRIES = 25
# How long a client may take to read an answer.
ANSWER_SECONDS = 300.0

# What the pieces of all answers may hold at a time, and of the answers to one caller. One entry is never larger than
# that: a Task's prompt has at most 65,536 characters.
ALL_PIECES_BYTES, CALLER_PIECES_BYTES = 24 << 20, 8 << 20

T = TypeVar("T")


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
    ) -> Response:
        """`{NAME: [what is shown of each entry], …more}`; without a name the array alone. `size` is about the bytes of
        an entry's JSON."""
        if len(entries) <= PIECE_ENTRIES and sum(map(size, entries)) <= PIECE_BYTES:
            found = [shown(entry) for entry in entries]
            return JSONResponse({name: found, **(more or {})} if name else found, headers=headers)
        begin, end = (f"{{{json_of(name)}:[", f"]{_members(more or {})}}}") if name else ("[", "]")
        return _Answer(
            self.pieces(caller, entries, shown, size=size, begin=begin, end=end),
            headers=headers,
        )

    async def pieces(
        self,
        caller: Hashable,
        entries: Sequence[T],
        shown: Callable[[T], Any],
        *,
        size: Callable[[T], int],
        begin: str = "",
        end: str = "",
        between: str = ",",
        text: Callable[[Any], str] | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """What is shown of the entries, in pieces that are held until the client has taken them."""
        before, write = begin, text or json_of
        for part, estimate in _parts(entries, size):
            with await self.budget.lease(caller, min(estimate, CALLER_PIECES_BYTES)):
                async with self._turn:
                    piece = (before + between.join(write(shown(entry)) for entry in part)).encode(errors="replace")
                    await asyncio.sleep(0)
                yield piece
                del piece
            before = between
        yield (end if entries else begin + end).encode()


class _Answer(StreamingResponse):
    """An answer that its client has to read within ANSWER_SECONDS."""

    def __init__(self, pieces: AsyncGenerator[bytes, None], *, headers: Mapping[str, str] | None) -> None:
        super().__init__(pieces, headers=headers, media_type="application/json")
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            pass  # the server closes the connection of an answer without an end
        finally:
            await self._pieces.aclose()


def text_bytes(text: str) -> int:
    """About the bytes of a text in JSON, without a look at it: a character of ASCII may be escaped."""
    return len(text) * (2 if text.isascii() else 4)


def json_of(document: Any) -> str:
    """JSON as JSONResponse writes it."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _members(document: Mapping[str, Any]) -> str:
    return "".join(f",{json_of(name)}:{json_of(value)}" for name, value in document.items())


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
