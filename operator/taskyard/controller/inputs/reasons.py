"""Writes into queued inputs why they wait: only what has changed, and at a bounded pace for each Task and for all.

The pace for all is shared by the namespaces: a crowd of inputs in one of them keeps no word back of another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from taskyard.controller.cache.stores import Stores
from taskyard.controller.turns import Turns
from taskyard.core import input_waiting
from taskyard.core.input_view import InputView
from taskyard.core.input_waiting import BUSY_AFTER, WORDS_PAUSE
from taskyard.core.inputs import queued
from taskyard.core.pace import Pace
from taskyard.core.tokenbucket import Rate
from taskyard.watchcache.kind import Key

# Messages of one Task in one look at it and in one second, and in one second of all Tasks, namespaces by turns. Each
# write is an event that has the Task looked at again, so the number in one look alone bounds nothing.
BATCH = 10
OF_A_TASK = Rate(per_second=10, burst=BATCH)
OF_ALL = Rate(per_second=50, burst=50)
# Beyond this number those of quiet Tasks are forgotten.
MAX_PACES = 256


@dataclass(frozen=True)
class _Refused:
    """The input that an agent does not take, since when, and why; `told_at` is when its words were told."""

    uid: str
    since: datetime
    cause: str
    told_at: datetime | None = None


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
        self._turns = Turns(OF_ALL, self._come)
        self._paces: dict[Key, Pace] = {}
        self._most_paces = MAX_PACES
        # For how many messages each Task waits, and the Tasks whose turn has come.
        self._asked: dict[Key, int] = {}
        self._due: set[Key] = set()

    def refused(self, key: Key, entry: InputView, cause: str) -> None:
        """The agent did not take an input just now."""
        known = self._refused.get(key)
        if known and known.uid == entry.uid:
            self._refused[key] = replace(known, cause=cause)
        else:
            self._refused[key] = _Refused(entry.uid, self._clock(), cause)

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
            are_words_told=bool(refused and refused.told_at and timedelta(0) <= now - refused.told_at < WORDS_PAUSE),
        )
        if not news:
            self._leave(key)
            return
        if key not in self._asked:
            self._ask(key, len(news))
        if key not in self._due:
            return
        granted = self._asked[key]
        self._leave(key)
        for told in news[:granted]:
            await self._write(told.input, told.message)
            if refused and told.is_words and told.input.uid == refused.uid:
                self._refused[key] = replace(refused, told_at=now)
        if len(news) > granted:
            self._ask(key, len(news) - granted)
            if key in self._due:
                self._again(key, 0.0)

    def _ask(self, key: Key, messages: int) -> None:
        """Have a Task wait for its turn to write so many messages, or a batch of them."""
        granted, pace, now = min(messages, BATCH), self._paces.get(key), asyncio.get_running_loop().time()
        if pace is None:
            if len(self._paces) >= self._most_paces:
                self._paces = {known: each for known, each in self._paces.items() if not each.is_idle(now)}
                self._most_paces = max(MAX_PACES, 2 * len(self._paces))
            pace = self._paces[key] = Pace(OF_A_TASK)
        self._asked[key] = granted
        if self._turns.ask(key, pace.turn(now, granted) - now, turns=granted):
            self._due.add(key)

    def _come(self, key: Key) -> None:
        self._due.add(key)
        self._again(key, 0.0)

    def _leave(self, key: Key) -> None:
        if self._asked.pop(key, None):
            self._turns.leave(key)
        self._due.discard(key)
