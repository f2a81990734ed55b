"""The events to send about all Tasks that a caller may see, given those sent before."""

from collections.abc import AsyncIterator, Callable, Mapping

from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.cache.prompts import Prompts
from taskyard.gateway.rest.streams import sse
from taskyard.gateway.rest.streams.sent_tasks import SentTasks
from taskyard.gateway.rest.streams.task_events import gone
from taskyard.gateway.rest.views import task as task_view
from taskyard.watchcache.kind import Key, key_of

RENDERED_BYTES = 2_097_152


class RenderedTasks:
    """Tasks as events, each rendered once for all clients; keeps the newest, up to `most` bytes."""

    def __init__(self, cache: Cache, prompts: Prompts, *, most: int = RENDERED_BYTES) -> None:
        self._cache = cache
        self._prompts = prompts
        self._most = most
        self._known: dict[str, tuple[tuple[int, int], bytes]] = {}
        self._bytes = 0

    async def of(self, task: TaskView) -> bytes:
        """The event `task` of a Task. Raises ApiError."""
        uid, state = task.uid, (task.version, self._cache.surroundings)
        known = self._known.get(uid)
        if known is not None and known[0] == state:
            return known[1]
        prompt = await self._prompts.of(task)
        shown = sse.event("task", task_view.document(task, task_view.setting_of(self._cache, task), prompt))
        # Another client may have caused the same while the prompt was read.
        known = self._known.pop(uid, None)
        self._bytes += len(shown) - (len(known[1]) if known is not None else 0)
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

    async def all(self, readable: frozenset[str]) -> AsyncIterator[bytes]:
        """What is new about all Tasks, now that the caller may read these namespaces. Raises ApiError."""
        if self._has_begun and readable == self.readable:
            return  # `some` tells the rest
        self._has_begun, self.readable = True, readable
        for task in list(self._cache.tasks):
            if (task.uid in self._sent) != self._is_shown(task):
                async for event in self._tell(task.uid, key_of(task)):
                    yield event

    async def some(self, changed: Mapping[str, Key]) -> AsyncIterator[bytes]:
        """What is new about Tasks that changed. Raises ApiError."""
        for uid, key in changed.items():
            async for event in self._tell(uid, key):
                yield event

    async def _tell(self, uid: str, key: Key) -> AsyncIterator[bytes]:
        task = self._cache.task(key)
        if task is not None and task.uid == uid and self._is_shown(task):
            self._sent.add(uid)
            yield await self._rendered.of(task)
        elif uid in self._sent:
            self._sent.discard(uid)
            yield sse.event("gone", gone(uid, key))

    def _is_shown(self, task: TaskView) -> bool:
        return task.namespace in self.readable and not task.deleting and self._fits(task)
