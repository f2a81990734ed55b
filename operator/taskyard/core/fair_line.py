"""Turns at one pace for all, which namespaces share: a crowd in one of them delays none of the others.

A namespace that waits alone has the whole pace. Where several do, the next turn is that of the namespace that has had
the least since it began to wait; within a namespace whoever came first has it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush

from taskyard.core.pace import Pace
from taskyard.core.tokenbucket import Rate

Key = tuple[str, str]


@dataclass
class _Line:
    """Keys of one namespace that wait, and how many turns each of them takes. `had` are the turns of this namespace,
    counted from those that the others had when it began to wait."""

    had: float
    keys: dict[Key, int] = field(default_factory=dict)


class FairLine:
    """Keys, by namespace and name, that wait for their turns: so many a second, a burst of them at once. `now` and `at`
    are in seconds of a monotonic clock."""

    def __init__(self, rate: Rate) -> None:
        self._pace = Pace(rate)
        self._lines: dict[str, _Line] = {}
        # Keys that are not in line yet: from when on they are, the earliest first, and how many turns they take. A key
        # whose moment is another one by now has left the entry behind.
        self._later: list[tuple[float, int, Key]] = []
        self._from: dict[Key, tuple[float, int]] = {}
        self._entries = 0
        # The count of the namespace that had the last turn: whoever comes now begins with it. Those that wait no longer
        # and have had more come back with their own, or they could wait one key at a time and have every turn.
        self._had = 0.0
        self._ahead: dict[str, float] = {}

    def join(self, key: Key, *, at: float, turns: int = 1) -> None:
        """Have a key wait from `at` on, for so many turns together. A key that waits already keeps its place; of two
        moments the earlier one counts."""
        line = self._lines.get(key[0])
        if line is not None and key in line.keys:
            return
        known = self._from.get(key)
        if known is not None and known[0] <= at:
            return
        self._from[key] = at, turns
        self._entries += 1
        heappush(self._later, (at, self._entries, key))

    def leave(self, key: Key) -> None:
        """Have a key wait no longer."""
        self._from.pop(key, None)
        line = self._lines.get(key[0])
        if line is not None:
            line.keys.pop(key, None)
            if not line.keys:
                self._close(key[0])

    def take(self, now: float) -> list[Key]:
        """The keys whose turn has come, in order; they wait no longer."""
        self._let_in(now)
        taken = []
        while (head := self._head()) is not None:
            namespace, key, turns = head
            if self._pace.due(now, turns) > now:
                break
            self._pace.turn(now, turns)
            line = self._lines[namespace]
            self._had = line.had
            line.had += turns
            self.leave(key)
            taken.append(key)
        return taken

    def next(self, now: float) -> float | None:
        """The moment at which `take` has something to do; None when nobody waits."""
        self._let_in(now)
        moments = [self._later[0][0]] if self._later else []
        head = self._head()
        if head is not None:
            moments.append(self._pace.due(now, head[2]))
        return min(moments, default=None)

    def _let_in(self, now: float) -> None:
        while self._later:
            at, _, key = self._later[0]
            known = self._from.get(key)
            is_left_behind = known is None or known[0] != at
            if at > now and not is_left_behind:
                return
            heappop(self._later)
            if known is not None and not is_left_behind:
                del self._from[key]
                self._line(key[0]).keys[key] = known[1]

    def _line(self, namespace: str) -> _Line:
        line = self._lines.get(namespace)
        if line is None:
            line = self._lines[namespace] = _Line(max(self._had, self._ahead.pop(namespace, 0.0)))
        return line

    def _close(self, namespace: str) -> None:
        """Nobody of a namespace waits any more."""
        self._ahead[namespace] = self._lines.pop(namespace).had
        self._ahead = {other: had for other, had in self._ahead.items() if had > self._had} if self._lines else {}

    def _head(self) -> tuple[str, Key, int] | None:
        """The namespace whose turn is next, and its first key."""
        if not self._lines:
            return None
        namespace, line = min(self._lines.items(), key=lambda item: item[1].had)
        key, turns = next(iter(line.keys.items()))
        return namespace, key, turns
