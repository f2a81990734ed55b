"""Server-sent events: their form, and the answer that they make."""

import json
import random
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

# After which a client whose stream broke off should come again.
RETRY_SECONDS = 2.0
# When a gateway ends, all its clients come again: not all in the same moment.
MOVE_SECONDS = (0.5, 5.0)

PING = b": ping\n\n"


def event(name: str, data: Any, *, id: str = "") -> bytes:
    """One event; its `data` is JSON in one line."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    head = f"id: {id}\nevent: {name}\n" if id else f"event: {name}\n"
    return f"{head}data: {text}\n\n".encode(errors="replace")


def retry(seconds: float = RETRY_SECONDS) -> bytes:
    """Says when to come again after the stream has ended."""
    return f"retry: {round(seconds * 1000)}\n\n".encode()


def goodbye() -> bytes:
    """The last word of a gateway that ends: come again, at another one."""
    return b": going away\n" + retry(random.uniform(*MOVE_SECONDS))


class EventStream(StreamingResponse):
    """The answer that a stream of events is. Nothing between here and the client should hold it back or keep it."""

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        super().__init__(pieces, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
