"""Which sinks of each namespace are served."""

from __future__ import annotations

from bisect import bisect_left, insort
from datetime import datetime

from taskyard.core.notifications.sink_view import SinkView, seniority
from taskyard.limits import MAX_SINKS
from taskyard.watchcache.kind import Key, key_of

Seniority = tuple[datetime, str, str]


class Places:
    """The sinks of each namespace by their age, of which the eight oldest have a place. A change of one costs a search,
    however many there are."""

    def __init__(self) -> None:
        self._by_age: dict[str, list[Seniority]] = {}
        self._known: dict[Key, Seniority] = {}

    def put(self, sink: SinkView) -> None:
        """A sink was added or changed; one that is being deleted leaves its place."""
        key, age = key_of(sink), seniority(sink)
        if self._known.get(key) == age and not sink.deleting:
            return
        self.remove(key)
        if not sink.deleting:
            self._known[key] = age
            insort(self._by_age.setdefault(sink.namespace, []), age)

    def remove(self, key: Key) -> None:
        """A sink is gone."""
        age = self._known.pop(key, None)
        if age is None:
            return
        by_age = self._by_age[key[0]]
        del by_age[bisect_left(by_age, age)]
        if not by_age:
            del self._by_age[key[0]]

    def of(self, namespace: str) -> list[Key]:
        """The sinks that are served, the oldest first."""
        return [(namespace, name) for _, name, _ in self._by_age.get(namespace, ())[:MAX_SINKS]]

    def has(self, sink: SinkView) -> bool:
        """Whether a sink is served."""
        return seniority(sink) in self._by_age.get(sink.namespace, ())[:MAX_SINKS]
