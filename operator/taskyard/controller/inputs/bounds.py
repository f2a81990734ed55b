"""Keeps the queues of inputs within their bounds: refuses what finds no room, and removes it again, in batches.

A flood of inputs is answered at the pace of its namespace and not of the API server: a batch at a time for a Task, and
so many writes a second for all Tasks of a namespace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import zip_longest

from taskyard.controller.cache.stores import Stores, in_line
from taskyard.controller.gather import gather_inputs
from taskyard.core import input_bounds
from taskyard.core.input_bounds import Bounds, Lane, Line, Refusal
from taskyard.core.input_view import InputView
from taskyard.core.inputs import queued
from taskyard.core.pace import Pace
from taskyard.core.tokenbucket import Rate
from taskyard.watchcache.kind import Key

# Refusals and removals in one look at a Task, and in one second in a namespace.
BATCH = 25
WRITES = Rate(per_second=50, burst=50)
# Beyond this number those of quiet namespaces are forgotten.
MAX_PACES = 256


class InputBounds:
    """The bounds of all queues. `again(key, seconds)` looks at a Task again later; `reject` and `remove` write;
    `removes` says whether anything of a Task may be removed now; nothing is written of the inputs that are `held`, by
    UID."""

    def __init__(
        self,
        stores: Stores,
        bounds: Bounds,
        *,
        retention: timedelta,
        clock: Callable[[], datetime],
        again: Callable[[Key, float], None],
        reject: Callable[[Refusal], Awaitable[None]],
        remove: Callable[[InputView], Awaitable[None]],
        removes: Callable[[Key], bool],
        held: Container[str],
    ) -> None:
        self._stores = stores
        self._bounds = bounds
        self._retention = retention
        self._clock = clock
        self._again = again
        self._reject = reject
        self._remove = remove
        self._removes = removes
        self._held = held
        self._paces: dict[str, Pace] = {}
        # When the turn of a Task is that waits for it, and how many writes it then has.
        self._turns: dict[Key, tuple[float, int]] = {}
        # Inputs whose place is being written, by UID.
        self._placing: dict[tuple[str, Lane], dict[str, InputView]] = {}
        # UIDs of inputs that found no room at the last look.
        self._aside: dict[Key, frozenset[str]] = {}

    def within(self, key: Key) -> tuple[InputView, ...]:
        """The inputs of a Task, without those for which there is no room."""
        inputs = self._admitted(key)
        without = {refusal.input.uid for refusal in self._line(key, inputs).refused}
        return tuple(entry for entry in inputs if entry.uid not in without) if without else inputs

    def is_outrun(self, key: Key) -> bool:
        """Whether other Tasks of the namespace have taken the room that inputs of this one had at the last `keep`."""
        return bool(self._line(key, self._admitted(key)).refused)

    @contextmanager
    def placing(self, entry: InputView) -> Iterator[None]:
        """While the place of an input is being written it counts as one that has it."""
        group = entry.namespace, input_bounds.lane_of(entry)
        self._placing.setdefault(group, {})[entry.uid] = entry
        try:
            yield
        finally:
            del self._placing[group][entry.uid]
            if not self._placing[group]:
                del self._placing[group]

    async def keep(self, key: Key) -> None:
        """Refuse those inputs of a Task for which there is no room, and remove those refused a minute ago, but only a
        batch of them; the rest follows later. Raises ApiError."""
        now, inputs = self._clock(), gather_inputs(self._stores, key)
        refused = self._line(key, inputs).refused
        overdue, times = [], []
        for entry in filter(input_bounds.is_refused, inputs):
            moment = input_bounds.removed_at(entry, retention=self._retention)
            if moment <= now and self._removes(key):
                overdue.append(entry)
            elif moment > now:
                times.append(moment)
        if times:
            self._again(key, (min(times) - now).total_seconds())
        self._aside.pop(key, None)
        if refused:
            self._aside[key] = frozenset(refusal.input.uid for refusal in refused)
        # By turns: while more and more comes, what was refused has to go all the same.
        pairs = zip_longest(overdue, (part for part in refused if part.input.uid not in self._held))
        work: list[Refusal | InputView] = [part for pair in pairs for part in pair if part is not None]
        if not work:
            self._turns.pop(key, None)
            return
        batch = work[: self._turn(key, min(len(work), BATCH))]
        for part in batch:
            if isinstance(part, Refusal):
                await self._reject(part)
            else:
                await self._remove(part)
        if batch and refused:
            self._again(key, min(input_bounds.REFUSAL_SHOWN, self._retention).total_seconds())
        if batch and len(work) > len(batch):
            self._again(key, BATCH / WRITES.per_second)

    def _admitted(self, key: Key) -> tuple[InputView, ...]:
        aside = self._aside.get(key, frozenset())
        return tuple(entry for entry in gather_inputs(self._stores, key) if entry.uid not in aside)

    def _line(self, key: Key, inputs: tuple[InputView, ...]) -> Line:
        namespace = key[0]
        placed = {lane: self._stores.inputs.count(in_line(namespace, lane)) for lane in Lane}
        for lane in Lane:
            for entry in self._placing.get((namespace, lane), {}).values():
                known = self._stores.inputs.get((namespace, entry.name))
                # The event of the write may come before its answer.
                placed[lane] += known is not None and known.uid == entry.uid and not known.has_order
        return input_bounds.line(queued(inputs), in_namespace=placed, bounds=self._bounds)

    def _turn(self, key: Key, writes: int) -> int:
        """How many writes the Task has now; with 0 it is looked at again when its turn in the namespace has come."""
        now, namespace = asyncio.get_running_loop().time(), key[0]
        turn = self._turns.get(key)
        if turn is None:
            pace = self._paces.get(namespace)
            if pace is None:
                if len(self._paces) >= MAX_PACES:
                    self._paces = {name: known for name, known in self._paces.items() if not known.is_idle(now)}
                pace = self._paces[namespace] = Pace(WRITES)
            turn = self._turns[key] = pace.turn(now, writes), writes
        moment, granted = turn
        if moment > now:
            self._again(key, moment - now)
            return 0
        del self._turns[key]
        return granted
