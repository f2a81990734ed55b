"""Server-sent events: their encoding, and the response that streams them."""

import asyncio
import json
import logging
import random
from collections.abc import AsyncGenerator
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from taskyard.apiclient import ApiError

logger = logging.getLogger(__name__)

# After this time a client whose stream broke should reconnect.
RETRY_SECONDS = 2.0
# When a gateway stops, all its clients reconnect: at random moments within this range, not all at once.
MOVE_SECONDS = (0.5, 5.0)

# How long a client may take to read one piece.
PIECE_SECONDS = 30.0

PING = b": ping\n\n"


def event(name: str, data: Any, *, id: str = "") -> bytes:
    """One event; its `data` is JSON on one line."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    head = f"id: {id}\nevent: {name}\n" if id else f"event: {name}\n"
    return f"{head}data: {text}\n\n".encode(errors="replace")


def retry(seconds: float = RETRY_SECONDS) -> bytes:
    """Tells the client how long to wait before it reconnects."""
    return f"retry: {round(seconds * 1000)}\n\n".encode()


def goodbye() -> bytes:
    """The last bytes from a gateway that stops: the client should reconnect, to another replica."""
    return b": going away\n" + retry(random.uniform(*MOVE_SECONDS))


class EventStream(StreamingResponse):
    """A response that streams events. Its headers ask proxies neither to buffer nor to cache it. It ends when its
    client does not take a piece in time, since pieces are held in memory until then."""

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        super().__init__(pieces, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            async with asyncio.timeout(PIECE_SECONDS):
                await send(message)

        try:
            await super().__call__(scope, receive, sending)
        # The server closes the connection of an answer without an end, and the client comes again.
        except* TimeoutError:
            pass
        except* ApiError as errors:
            logger.warning("a stream ends, since what it shows cannot be read: %s", errors.exceptions[0])
        finally:
            await self._pieces.aclose()
