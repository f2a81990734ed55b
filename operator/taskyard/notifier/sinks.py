"""Gives each sink that is served a worker, and tells the workers what has changed."""

from __future__ import annotations

from taskyard.core.build_view import BuildView
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.notifier.cache import Cache
from taskyard.notifier.parts import Parts
from taskyard.notifier.sink_worker import SinkWorker
from taskyard.notifier.unserved import UnservedSinks
from taskyard.watchcache.kind import Key, key_of


class Sinks:
    """The workers of the sinks that are served, by namespace and UID. Nothing is told before `begin`: this process does
    not lead yet.

    What this process reads after a conflict, or gets as the answer to a write, may be newer than what the watch has
    told, which then tells nothing of it: so the stores are observed, and the watches tell of deletions.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._parts: Parts | None = None
        self._unserved: UnservedSinks | None = None
        self._workers: dict[str, dict[str, SinkWorker]] = {}
        cache.tasks.observe(self._task_seen)
        cache.sinks.observe(lambda former, sink: self._seen(sink))

    @property
    def waiting(self) -> int:
        """Tasks of which sinks may have to be told."""
        return sum(worker.waiting for workers in self._workers.values() for worker in workers.values())

    def begin(self, parts: Parts) -> None:
        """From now on sinks are told; first of what happened while nobody told them."""
        self._parts = parts
        self._unserved = UnservedSinks(self._cache, parts.status)
        for namespace in {sink.namespace for sink in self._cache.sinks}:
            self._align(namespace)
        for sink in self._cache.sinks:
            self._tell_if_unserved(sink)

    def close(self) -> None:
        if self._unserved is not None:
            self._unserved.close()
        for workers in self._workers.values():
            for worker in workers.values():
                worker.close()

    def task_changed(self, task: NotifiedTask) -> None:
        """A Task was added, changed or deleted."""
        if self._cache.tasks.get(key_of(task)) is None:
            self._cache.forget(task)

    def build_changed(self, build: BuildView) -> None:
        """A build was added, changed or deleted."""
        self._news((build.namespace, build.task))

    def sink_changed(self, sink: SinkView) -> None:
        """A sink was added, changed or deleted."""
        self._cache.sink_is_gone(sink)
        self._align(sink.namespace)

    def _task_seen(self, former: NotifiedTask | None, task: NotifiedTask) -> None:
        if former is not None and former.labels != task.labels:
            for worker in self._workers.get(task.namespace, {}).values():
                worker.labels_changed(former, task)
        self._news(key_of(task))

    def _seen(self, sink: SinkView) -> None:
        self._align(sink.namespace)
        self._tell_if_unserved(sink)

    def _align(self, namespace: str) -> None:
        """Have a worker for each sink that is served, and for no other; one that has changed looks at all Tasks. A sink
        that goes or is being deleted gives its place to another one. What this costs does not grow with the number of
        sinks."""
        if self._parts is None:
            return
        served = {sink.uid: sink for sink in self._cache.sinks_of(namespace)}
        workers = self._workers.setdefault(namespace, {})
        for uid in workers.keys() - served.keys():
            former = workers.pop(uid)
            former.close()
            # It may be there still, and have lost its place to one that is older.
            if (sink := self._cache.sinks.get(former.key)) is not None:
                self._tell_if_unserved(sink)
        for uid, sink in served.items():
            if uid not in workers:
                workers[uid] = SinkWorker(self._parts, sink)
            if workers[uid].sink_changed(sink):
                for task in self._cache.tasks_of(namespace):
                    workers[uid].add(key_of(task))
        if not workers:
            del self._workers[namespace]

    def _tell_if_unserved(self, sink: SinkView) -> None:
        if self._unserved is not None and not sink.deleting and not self._cache.serves(sink):
            self._unserved.add(sink)

    def _news(self, task: Key) -> None:
        for worker in self._workers.get(task[0], {}).values():
            worker.add(task)
