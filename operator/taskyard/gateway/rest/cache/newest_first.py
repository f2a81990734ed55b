"""The order in which Tasks are listed, kept as they come and go: no request sorts them all."""

import bisect
from collections.abc import Iterator

from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.watchcache.store import Store

# A Task's place: the moment of its creation as a negative number, its name, its UID.
Place = tuple[int, str, str]

# So many Tasks that are gone may still have a place before the order is made anew.
_MAX_GONE = 1000
_COPIED = 256


class NewestFirst:
    """The Tasks of a store, the newest first; those of the same second by name."""

    def __init__(self, tasks: Store[TaskView]) -> None:
        self._tasks = tasks
        # Places and namespaces. A Task that is gone keeps its place for a while, and is passed over.
        self._order: list[tuple[int, str, str, str]] = []
        self._placed: set[str] = set()
        # Those that have Tasks, and some that had Tasks a while ago.
        self.namespaces: frozenset[str] = frozenset()
        tasks.observe(self._kept)

    def after(self, place: Place | None = None) -> Iterator[TaskView]:
        """The Tasks after that place, or all. The store may change meanwhile."""
        position = bisect.bisect_right(self._order, (*place, "\U0010ffff")) if place else 0
        # The order may change between two Tasks, so it is read from copies; a page needs no more than one of them.
        while some := self._order[position : position + _COPIED]:
            for _, name, uid, namespace in some:
                task = self._tasks.get((namespace, name))
                if task is not None and task.uid == uid:
                    yield task
            position = bisect.bisect_right(self._order, some[-1])

    def _kept(self, former: TaskView | None, task: TaskView) -> None:
        if task.uid in self._placed:
            return
        self._placed.add(task.uid)
        bisect.insort(self._order, (*place_of(task), task.namespace))
        if task.namespace not in self.namespaces:
            self.namespaces |= {task.namespace}
        if len(self._order) > len(self._tasks) + _MAX_GONE:
            self._order = sorted((*place_of(task), task.namespace) for task in self._tasks)
            self._placed = {uid for _, _, uid, _ in self._order}
            self.namespaces = frozenset(task.namespace for task in self._tasks)


def place_of(task: TaskView) -> Place:
    """A Task's place in the order."""
    return newest_first(task.created_at), task.name, task.uid


def newest_first(timestamp: str) -> int:
    """The part of a place that sorts the newest first, from a timestamp in whole seconds of UTC."""
    return -int("".join(filter(str.isdigit, timestamp)))
