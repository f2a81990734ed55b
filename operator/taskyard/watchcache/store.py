"""Newest known state of one kind's objects, by namespace and name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Generic

from taskyard.watchcache.kind import Key, Kind, V, View, key_of

logger = logging.getLogger(__name__)

# A Key, or a Key preceded by what kind of group it is.
Group = tuple[str, ...]

MAX_REMEMBERED_DELETIONS = 10_000


class Store(Generic[V]):
    """Views of the objects of one kind, in the groups that `groups` says (the Task they belong to, say), so that no
    lookup has to search.

    The process's own writes and watch events arrive in any order: an older resourceVersion never replaces a newer one,
    and the response to a write does not bring back an object whose deletion a watch or a list has shown.
    """

    def __init__(self, kind: Kind[V], groups: Callable[[V], Iterable[Group]] = lambda view: ()) -> None:
        self.kind = kind
        self._groups_of = groups
        self._views: dict[Key, V] = {}
        # Most groups have one member, for which a set would cost more than the view.
        self._groups: dict[Group, Key | set[Key]] = {}
        # UID to last version of recently deleted objects: a response is late by seconds, not by thousands of objects.
        self._gone: dict[str, int] = {}
        # The resourceVersion of the last list.
        self._listed_at = 0
        self._observers: list[Callable[[V | None, V], None]] = []

    def __len__(self) -> int:
        return len(self._views)

    def __iter__(self) -> Iterator[V]:
        return iter(self._views.values())

    def observe(self, observer: Callable[[V | None, V], None]) -> None:
        """Have `observer` called once with each state that is kept, whether from a write, a list or a watch, and with
        the previous one: None when there was none, or one of another object of that name."""
        self._observers.append(observer)

    def get(self, key: Key) -> V | None:
        return self._views.get(key)

    def grouped(self, group: Group) -> list[V]:
        """The objects of a group, in no order."""
        return [self._views[key] for key in _members(self._groups.get(group))]

    def has(self, group: Group) -> bool:
        """Whether there is any object in a group."""
        return group in self._groups

    def count(self, group: Group) -> int:
        """The number of objects in a group."""
        return len(_members(self._groups.get(group)))

    def put(self, manifest: Mapping[str, Any]) -> bool:
        """Keep an object as the API server returned it, as `keep` does."""
        return self.keep(self.kind.of(manifest))

    def keep(self, view: V, *, is_listed: bool = False) -> bool:
        """Keep an object unless a newer state of it is known; returns whether it was kept."""
        key = key_of(view)
        # The very state of which a watch told a deletion is that of an object that has left the watch's selection.
        if view.version < self._gone.get(view.uid, -1):
            return False
        former = self._views.get(key)
        # The list lacked it, and no watch would tell that it is gone. One by a label may lack what exists.
        is_complete = not self.kind.resource.bounds
        if former is None and is_complete and not is_listed and view.version <= self._listed_at:
            return False
        if former is not None and former.version >= view.version:
            return False
        self._regroup(key, former, view)
        self._views[key] = view
        same = former is not None and former.uid == view.uid
        for observer in self._observers:
            try:
                observer(former if same else None, view)
            except Exception:
                # A failing observer must not keep the store from working.
                logger.exception("%s/%s: defect in an observer", *key)
        return True

    def knows(self, view: V) -> bool:
        """Whether exactly this state is the newest one known."""
        former = self._views.get(key_of(view))
        return former is not None and former.version == view.version

    def deleted(self, view: View) -> None:
        """Forget an object for good, by its last state as a watch reports it."""
        self._gone[view.uid] = view.version
        while len(self._gone) > MAX_REMEMBERED_DELETIONS:
            del self._gone[next(iter(self._gone))]
        self.remove(key_of(view), uid=view.uid)

    def remove(self, key: Key, *, uid: str | None = None) -> V | None:
        """Forget an object; with `uid` only if it has that UID. Returns what was forgotten."""
        former = self._views.get(key)
        if former is None or (uid is not None and former.uid != uid):
            return None
        del self._views[key]
        self._regroup(key, former, None)
        return former

    def unlisted(self, listed: set[Key], *, listed_at: str) -> list[V]:
        """Forget, and return, what is missing in a list made at resourceVersion `listed_at`. Objects written after the
        list was made are kept: the watch reports them later."""
        self._listed_at = int(listed_at)
        gone = [view for key, view in self._views.items() if key not in listed and view.version <= self._listed_at]
        for view in gone:
            self.remove(key_of(view))
        return gone

    def _regroup(self, key: Key, former: V | None, view: V | None) -> None:
        before = set(self._groups_of(former)) if former is not None else set()
        after = set(self._groups_of(view)) if view is not None else set()
        for group in before - after:
            self._leave(group, key)
        for group in after - before:
            members = self._groups.get(group)
            if members is None:
                self._groups[group] = key
            elif isinstance(members, set):
                members.add(key)
            else:
                self._groups[group] = {members, key}

    def _leave(self, group: Group, key: Key) -> None:
        members = self._groups[group]
        if isinstance(members, set) and len(members) > 2:
            members.discard(key)
        elif isinstance(members, set):
            (self._groups[group],) = members - {key}
        else:
            del self._groups[group]


def _members(found: Key | set[Key] | None) -> Collection[Key]:
    if found is None:
        return ()
    return found if isinstance(found, set) else (found,)
