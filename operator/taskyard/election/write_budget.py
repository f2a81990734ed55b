"""How much of the API server the writes in one namespace take: by the bytes of the objects that are written.

What a write costs the API server grows with the object: it is decoded, checked by the schema's rules, stored, and sent
to each watch. A namespace full of the largest objects would take all of it; here it has a share, and its own Tasks
wait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from taskyard.core.pace import Pace
from taskyard.core.tokenbucket import Rate

# A start writes some 28 KB: a namespace has room for 600 starts at once, and 70 a second from then on.
SHARE = Rate(per_second=2 << 20, burst=16 << 20)
# Beyond this number those of quiet namespaces are forgotten.
MAX_NAMESPACES = 1024


@dataclass
class _Account:
    """`sizes` are the bytes of the last object of each kind."""

    pace: Pace
    sizes: dict[str, int] = field(default_factory=dict)


class Turn(NamedTuple):
    """What a write has to wait for, in seconds, and the bytes that are taken for it."""

    seconds: float
    taken: int


class WriteBudget:
    """Turns to write. `clock` counts seconds and never steps."""

    def __init__(self, *, clock: Callable[[], float], share: Rate = SHARE) -> None:
        self._clock = clock
        self._share = share
        self._accounts: dict[str, _Account] = {}

    def turn(self, namespace: str, plural: str, *, size: int | None = None) -> Turn:
        """Take a turn to write an object of `size` bytes; by default it is as large as the last of its kind."""
        account, now = self._account(namespace), self._clock()
        taken = account.sizes.get(plural, 0) if size is None else size
        return Turn(seconds=account.pace.turn(now, taken) - now, taken=taken)

    def pause(self, namespace: str) -> float:
        """Seconds until the namespace has used up less than its share: until then each turn is one to wait for."""
        account = self._accounts.get(namespace)
        now = self._clock()
        return 0.0 if account is None else account.pace.due(now, 0) - now

    def written(self, namespace: str, plural: str, size: int, *, taken: int) -> None:
        """The object for which so many bytes were `taken` with its turn has turned out to have `size`: what it has
        beyond them is taken too, and what is left of them is given back."""
        account = self._account(namespace)
        if size > taken:
            account.pace.turn(self._clock(), size - taken)
        else:
            account.pace.give_back(taken - size)
        account.sizes[plural] = size

    def _account(self, namespace: str) -> _Account:
        account = self._accounts.get(namespace)
        if account is None:
            if len(self._accounts) >= MAX_NAMESPACES:
                now = self._clock()
                self._accounts = {name: known for name, known in self._accounts.items() if not known.pace.is_idle(now)}
            account = self._accounts[namespace] = _Account(Pace(self._share))
        return account
