"""An event router with its stores, and the keys that it added."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from taskyard.controller.cache.stores import Stores
from taskyard.controller.event_router import EventRouter
from taskyard.controller.kopf_source.lists import Lists
from taskyard.controller.queue import KeyedQueue
from taskyard.watchcache.kind import Key
from unit.controller.fakes import FakeCluster

WEB = ("team", "web")
SHELL = ("team", "shell-v1")


class Keys(KeyedQueue):
    """A queue that only remembers."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.news: list[Key] = []

    def add(self, key: Key, *, news: bool = False) -> None:
        self.keys.append(key)
        if news:
            self.news.append(key)


@dataclass
class Taken:
    """An event router with its stores, and the keys that it added."""

    cluster: FakeCluster = field(default_factory=FakeCluster)
    stores: Stores = field(default_factory=Stores)
    tasks: Keys = field(default_factory=Keys)
    inputs: Keys = field(default_factory=Keys)
    templates: Keys = field(default_factory=Keys)
    versions: Keys = field(default_factory=Keys)

    def __post_init__(self) -> None:
        self.router = EventRouter(
            self.stores,
            tasks=self.tasks,
            inputs=self.inputs,
            templates=self.templates,
            versions=self.versions,
        )
        self.lists = Lists(self.cluster, self.router)

    def take(self, resource: Any, kind: str, manifest: dict[str, Any]) -> None:
        view = self.router.view(resource, kind, manifest["metadata"], msgspec.json.encode(manifest))
        if view is not None:
            self.router.take(resource, kind, view)

    @property
    def added(self) -> tuple[list[Key], list[Key], list[Key]]:
        """Keys of Tasks, of inputs, of versions since this was last asked."""
        found = self.tasks.keys, self.inputs.keys, self.versions.keys
        self.tasks.keys, self.inputs.keys, self.versions.keys = [], [], []
        return found
