"""Newest known state of one kind's objects, by namespace and name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

from taskyard.apiclient import Object

logger = logging.getLogger(__name__)

Key = tuple[str, str]

# A Key, or a Key preceded by what kind of group it is.
Group = tuple[str, ...]

MAX_REMEMBERED_DELETIONS = 10_000

# Called with the previous state (None when there was none, or one of another object of that name) and the one now kept.
Observer = Callable[[Object | None, Object], None]


def key_of(manifest: Object) -> Key:
    """Namespace and name."""
    return manifest["metadata"]["namespace"], manifest["metadata"]["name"]


class Store:
    """Objects of one kind, grouped by `group` (the Task they belong to, say), so that no lookup has to search; each is
    in the groups of `also` as well.

    The process's own writes and watch events arrive in any order: an older resourceVersion never replaces a newer one,
    and the response to a write does not bring back an object whose deletion the watch has reported.
    """

    def __init__(
        self, group: Callable[[Object], Key], *, also: Callable[[Object], Iterable[Group]] = lambda manifest: ()
    ) -> None:
        self._group = group
        self._also = also
        self._objects: dict[Key, Object] = {}
        self._groups: dict[Group, set[Key]] = {}
        # UID to last version of recently deleted objects: a response is late by seconds, not by thousands of objects.
        self._gone: dict[str, int] = {}
        self._observers: list[Observer] = []

    def __len__(self) -> int:
        return len(self._objects)

    def __iter__(self) -> Iterator[Object]:
        return iter(self._objects.values())

    def observe(self, observer: Observer) -> None:
        """Have `observer` called once with each state that is kept, whether from a write, a list or a watch."""
        self._observers.append(observer)

    def get(self, key: Key) -> Object | None:
        return self._objects.get(key)

    def grouped(self, group: Group) -> list[Object]:
        """The objects of a group, in no order."""
        return [self._objects[key] for key in self._groups.get(group, ())]

    def has(self, group: Group) -> bool:
        """Whether there is any object in a group."""
        return group in self._groups

    def put(self, manifest: Object) -> bool:
        """Keep an object unless a newer state of it is known; returns whether it was kept."""
        key = key_of(manifest)
        if version(manifest) <= self._gone.get(manifest["metadata"]["uid"], -1):
            return False
        former = self._objects.get(key)
        if former is not None:
            if version(former) >= version(manifest):
                return False
            self._leave(key, former)
        self._objects[key] = manifest
        for group in self._groups_of(manifest):
            self._groups.setdefault(group, set()).add(key)
        same = former is not None and former["metadata"]["uid"] == manifest["metadata"]["uid"]
        for observer in self._observers:
            try:
                observer(former if same else None, manifest)
            except Exception:
                # A failing observer must not keep the store from working.
                logger.exception("%s/%s: defect in an observer", *key)
        return True

    def knows(self, manifest: Object) -> bool:
        """Whether exactly this state is the newest one known."""
        former = self._objects.get(key_of(manifest))
        return former is not None and version(former) == version(manifest)

    def deleted(self, manifest: Object) -> None:
        """Forget an object for good, by its last state as a watch reports it."""
        metadata = manifest["metadata"]
        self._gone[metadata["uid"]] = version(manifest)
        while len(self._gone) > MAX_REMEMBERED_DELETIONS:
            del self._gone[next(iter(self._gone))]
        self.remove(key_of(manifest), uid=metadata["uid"])

    def remove(self, key: Key, *, uid: str | None = None) -> Object | None:
        """Forget an object; with `uid` only if it has that UID. Returns what was forgotten."""
        former = self._objects.get(key)
        if former is None or (uid is not None and former["metadata"]["uid"] != uid):
            return None
        del self._objects[key]
        self._leave(key, former)
        return former

    def replace(self, manifests: list[Object], *, listed_at: str) -> list[Object]:
        """Make the store equal to a list at resourceVersion `listed_at`; returns what was added, changed or deleted.

        Objects written after the list was made are kept: the watch reports them later.
        """
        present = {key_of(manifest) for manifest in manifests}
        gone = [
            former
            for key, former in list(self._objects.items())
            if key not in present and version(former) <= int(listed_at)
        ]
        for former in gone:
            self.remove(key_of(former))
        return gone + [manifest for manifest in manifests if self.put(manifest)]

    def _leave(self, key: Key, manifest: Object) -> None:
        for group in self._groups_of(manifest):
            members = self._groups[group]
            members.discard(key)
            if not members:
                del self._groups[group]

    def _groups_of(self, manifest: Object) -> set[Group]:
        return {self._group(manifest), *self._also(manifest)}


def version(manifest: Object) -> int:
    """The resourceVersion as a number; within a kind, Kubernetes allows this comparison."""
    return int(manifest["metadata"]["resourceVersion"])
