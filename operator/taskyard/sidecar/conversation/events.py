"""Server-sent events for every client that listens, in bounded memory however slowly it reads."""

import asyncio
import json
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

BUFFER = 1024


class Event(NamedTuple):
    """`data` is built when the event is sent, so that events that wait for a slow client cost nothing."""

    name: str
    data: Callable[[], dict[str, Any]]

    def encode(self) -> bytes:
        text = json.dumps(self.data(), ensure_ascii=False, separators=(",", ":"))
        return f"event: {self.name}\ndata: {text}\n\n".encode(errors="replace")


class TooSlowError(Exception):
    """The client has not read for so long that its buffer is full."""


class Stream:
    """One client's events. Of several waiting events with the same key, only the newest is sent (a growing message)."""

    def __init__(self, limit: int = BUFFER) -> None:
        self._limit = limit
        self._waiting: dict[Hashable, Event] = {}
        self._wake = asyncio.Event()
        self._overrun = False

    def put(self, key: Hashable, event: Event) -> None:
        if key not in self._waiting and len(self._waiting) >= self._limit:
            self._overrun = True
        else:
            self._waiting[key] = event
        self._wake.set()

    async def next(self, patience: float) -> Event | None:
        """The next event, None when there is none within `patience` seconds. Raises TooSlowError."""
        try:
            async with asyncio.timeout(patience):
                await self._wake.wait()
        except TimeoutError:
            return None
        if self._overrun:
            raise TooSlowError
        key = next(iter(self._waiting))
        event = self._waiting.pop(key)
        if not self._waiting:
            self._wake.clear()
        return event


class Hub:
    def __init__(self) -> None:
        self._streams: set[Stream] = set()

    def publish(self, key: Hashable, event: Event) -> None:
        for stream in self._streams:
            stream.put(key, event)

    def open(self, limit: int = BUFFER) -> Stream:
        stream = Stream(limit)
        self._streams.add(stream)
        return stream

    def close(self, stream: Stream) -> None:
        self._streams.discard(stream)
