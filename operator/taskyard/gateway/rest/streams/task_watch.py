"""The events to send about all Tasks that a caller may see, given those sent before."""

from collections.abc import Callable, Iterator, Mapping

from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.streams import sse
from taskyard.gateway.rest.streams.sent_tasks import SentTasks
from taskyard.gateway.rest.streams.task_events import gone
from taskyard.gateway.rest.views import task as task_view
from taskyard.watchcache.kind import Key, key_of

RENDERED_BYTES = 2_097_152


class RenderedTasks:
    """Tasks as events, each rendered once for all clients; keeps the newest, up to `most` bytes."""

    def __init__(self, cache: Cache, *, most: int = RENDERED_BYTES) -> None:
        self._cache = cache
        self._most = most
        self._known: dict[str, tuple[tuple[int, int], bytes]] = {}
        self._bytes = 0

    def __call__(self, task: TaskView) -> bytes:
        """The event `task` of a Task."""
        uid, state = task.uid, (task.version, self._cache.surroundings)
        known = self._known.get(uid)
        if known is not None and known[0] == state:
            return known[1]
        shown = sse.event("task", task_view.document(task, task_view.setting_of(self._cache, task)))
        self._bytes += len(shown)
        if known is not None:
            self._bytes -= len(known[1])
            del self._known[uid]
        self._known[uid] = state, shown
        while self._bytes > self._most:
            self._bytes -= len(self._known.pop(next(iter(self._known)))[1])
        return shown


class TaskWatch:
    """The events of all Tasks that `fits` accepts, in the namespaces that the caller may read."""

    def __init__(self, cache: Cache, rendered: RenderedTasks, fits: Callable[[TaskView], bool]) -> None:
        self._cache = cache
        self._rendered = rendered
        self._fits = fits
        self._sent = SentTasks()
        self._has_begun = False
        self.readable: frozenset[str] = frozenset()

    def __len__(self) -> int:
        """How many Tasks the client knows."""
        return len(self._sent)

    def all(self, readable: frozenset[str]) -> Iterator[bytes]:
        """What is new about all Tasks, now that the caller may read these namespaces."""
        if self._has_begun and readable == self.readable:
            return  # `some` tells the rest
        self._has_begun, self.readable = True, readable
        for task in list(self._cache.tasks):
            if (task.uid in self._sent) != self._is_shown(task):
                yield from self._tell(task.uid, key_of(task))

    def some(self, changed: Mapping[str, Key]) -> Iterator[bytes]:
        """What is new about Tasks that changed."""
        for uid, key in changed.items():
            yield from self._tell(uid, key)

    def _tell(self, uid: str, key: Key) -> Iterator[bytes]:
        task = self._cache.task(key)
        if task is not None and task.uid == uid and self._is_shown(task):
            self._sent.add(uid)
            yield self._rendered(task)
        elif uid in self._sent:
            self._sent.discard(uid)
            yield sse.event("gone", gone(uid, key))

    def _is_shown(self, task: TaskView) -> bool:
        return task.namespace in self.readable and not task.deleting and self._fits(task)
