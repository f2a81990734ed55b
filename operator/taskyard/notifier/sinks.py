"""Gives each sink a worker, and tells the workers what has changed."""

from __future__ import annotations

from taskyard.core.build_view import BuildView
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.notifier.cache import Cache
from taskyard.notifier.sink_worker import Parts, SinkWorker
from taskyard.watchcache.kind import Key, key_of


class Sinks:
    """The workers of all sinks, by namespace and UID. Nothing is told before `begin`: this process does not lead yet.

    What this process reads after a conflict, or gets as the answer to a write, may be newer than what the watch has
    told, which then tells nothing of it: so the stores are observed, and the watches tell of deletions.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._parts: Parts | None = None
        self._workers: dict[str, dict[str, SinkWorker]] = {}
        cache.tasks.observe(lambda former, task: self._news(key_of(task)))
        cache.sinks.observe(lambda former, sink: self._align(sink.namespace))

    @property
    def waiting(self) -> int:
        """Tasks of which sinks may have to be told."""
        return sum(worker.waiting for workers in self._workers.values() for worker in workers.values())

    def begin(self, parts: Parts) -> None:
        """From now on sinks are told; first of what happened while nobody told them."""
        self._parts = parts
        for namespace in {sink.namespace for sink in self._cache.sinks}:
            self._align(namespace)

    def close(self) -> None:
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
        self._align(sink.namespace)

    def _align(self, namespace: str) -> None:
        """Have a worker for each sink that is there, and for no other; one that has changed looks at all Tasks. A sink
        that goes or is being deleted gives its place to another one."""
        if self._parts is None:
            return
        present = {sink.uid: sink for sink in self._cache.sinks.grouped((namespace,))}
        served = {sink.uid for sink in self._cache.sinks_of(namespace)}
        workers = self._workers.setdefault(namespace, {})
        for uid in workers.keys() - present.keys():
            workers.pop(uid).close()
        for uid, sink in present.items():
            if uid not in workers:
                workers[uid] = SinkWorker(self._parts, sink)
            if workers[uid].sink_changed(sink, is_served=uid in served) and uid in served:
                for task in self._cache.tasks_of(namespace):
                    workers[uid].add(key_of(task))
        if not workers:
            del self._workers[namespace]

    def _news(self, task: Key) -> None:
        workers = self._workers.get(task[0])
        if not workers:
            return
        for sink in self._cache.sinks_of(task[0]):
            if worker := workers.get(sink.uid):
                worker.add(task)
