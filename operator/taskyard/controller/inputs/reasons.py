"""Writes into queued inputs why they wait: only what has changed, and at a bounded pace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass
from datetime import datetime

from taskyard.controller.cache.stores import Stores
from taskyard.core import input_waiting
from taskyard.core.input_view import InputView
from taskyard.core.input_waiting import BUSY_AFTER
from taskyard.core.inputs import queued
from taskyard.watchcache.kind import Key

# Messages in one look at a Task, and when the rest of them follows.
BATCH = 10
NEXT_SECONDS = 1.0


@dataclass(frozen=True)
class _Refused:
    """The input that an agent does not take, since when, and why."""

    uid: str
    since: datetime
    cause: str


class WaitingReasons:
    """Why the inputs of Tasks wait. `again(key, seconds)` looks at a Task again later; `write` writes a message."""

    def __init__(
        self,
        stores: Stores,
        *,
        clock: Callable[[], datetime],
        again: Callable[[Key, float], None],
        write: Callable[[InputView, str], Awaitable[None]],
    ) -> None:
        self._stores = stores
        self._clock = clock
        self._again = again
        self._write = write
        self._refused: dict[Key, _Refused] = {}

    def refused(self, key: Key, entry: InputView, cause: str) -> None:
        """The agent did not take an input just now."""
        known = self._refused.get(key)
        since = known.since if known and known.uid == entry.uid else self._clock()
        self._refused[key] = _Refused(entry.uid, since, cause)

    async def tell(self, key: Key, inputs: tuple[InputView, ...], *, silent: Container[str]) -> None:
        """Write why the inputs of a Task wait, except those that are `silent`, by UID. Raises ApiError."""
        now, waiting = self._clock(), queued(inputs)
        refused = self._refused.get(key)
        if refused and all(entry.uid != refused.uid for entry in waiting):
            del self._refused[key]
            refused = None
        # For a moment an agent is always busy: with what it was given before.
        lasts = refused is not None and now - refused.since >= BUSY_AFTER
        news = input_waiting.news(
            self._stores.tasks.get(key),
            waiting,
            refused=(refused.uid, refused.cause) if refused and lasts else None,
            silent=silent,
        )
        for told in news[:BATCH]:
            await self._write(told.input, told.message)
        if len(news) > BATCH:
            self._again(key, NEXT_SECONDS)
