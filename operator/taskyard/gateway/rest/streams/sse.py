"""Server-sent events: their encoding, and the response that streams them."""

import json
import random
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

# After this time a client whose stream broke should reconnect.
RETRY_SECONDS = 2.0
# When a gateway stops, all its clients reconnect: at random moments within this range, not all at once.
MOVE_SECONDS = (0.5, 5.0)

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
    """A response that streams events. Its headers ask proxies neither to buffer nor to cache it."""

    media_type = "text/event-stream"

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        super().__init__(pieces, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
