"""Hands events from kopf's thread to the operator's loop: those that come while it is busy arrive together, since to
wake it costs both threads more than the event."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)


class Handoff:
    """`add` is called in any thread, and `take` in the loop with the same arguments, in order, until `close`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, take: Callable[..., None]) -> None:
        self._loop = loop
        self._take = take
        self._waiting: deque[tuple[Any, ...]] = deque()
        self._lock = threading.Lock()
        self._is_scheduled = False
        self._is_closed = False

    def add(self, *event: Any) -> None:
        """Have `take` called with an event; nothing happens after `close`."""
        with self._lock:
            if self._is_closed:
                return
            self._waiting.append(event)
            if self._is_scheduled:
                return
            self._is_scheduled = True
        self._loop.call_soon_threadsafe(self._drain)

    def close(self) -> None:
        """Drop what waits, and all that comes later."""
        with self._lock:
            self._is_closed = True
            self._waiting.clear()

    def _drain(self) -> None:
        with self._lock:
            self._is_scheduled = False
            batch, self._waiting = self._waiting, deque()
        for event in batch:
            try:
                self._take(*event)
            except Exception:
                # The others came only by chance together with it.
                logger.exception("defect in taking an event")
