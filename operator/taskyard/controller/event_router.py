"""From events to keys: each object is kept in its store, and the keys that it concerns are queued."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from taskyard.controller.cluster import Object
from taskyard.controller.queue import KeyedQueue
from taskyard.controller.stores import Stores, by_label, by_task, naming
from taskyard.core.resources import SECRETS, TASK_INPUTS, TASKS, TEMPLATE_VERSIONS, TEMPLATES, Resource
from taskyard.watchcache.store import Key, Store, key_of


class EventRouter:
    """Feeds the queues, and the stores of the kinds that people write."""

    def __init__(
        self,
        stores: Stores,
        *,
        tasks: KeyedQueue,
        inputs: KeyedQueue,
        templates: KeyedQueue,
        versions: KeyedQueue,
    ) -> None:
        self._stores = stores
        self._tasks = tasks
        self._inputs = inputs
        self._templates = templates
        self._versions = versions
        self._kinds: dict[Resource, tuple[Store, Callable[[Object], None]]] = {
            TASKS: (stores.tasks, self._task_changed),
            TEMPLATES: (stores.templates, self._template_changed),
            TEMPLATE_VERSIONS: (stores.template_versions, self._version_changed),
            TASK_INPUTS: (stores.inputs, self._input_changed),
        }

    @property
    def kinds(self) -> Collection[Resource]:
        """The kinds that people write."""
        return self._kinds

    def take(self, resource: Resource, event: Mapping[str, Any]) -> None:
        """Take an event from kopf: its type is None while kopf lists, else ADDED, MODIFIED or DELETED."""
        store, changed = self._kinds[resource]
        manifest: Object = dict(event["object"])
        if event["type"] == "DELETED":
            store.deleted(manifest)
            changed(manifest)
        # The operator's own writes are in the store before their events arrive, and count as changes all the same:
        # inputs wait for a Task to become active, and an idle deadline begins then.
        elif store.put(manifest) or (event["type"] is not None and store.knows(manifest)):
            changed(manifest)

    def status_written(self, key: Key) -> None:
        """The operator has written a Task's status."""
        self._tasks.add(key)
        if self._stores.inputs.grouped(key):
            self._inputs.add(key)

    def child_changed(self, manifest: Object) -> None:
        """A Pod or a claim was added, modified or deleted."""
        self._tasks.add(by_label(manifest))

    def build_changed(self, manifest: Object) -> None:
        """A build was added, modified or deleted."""
        self._tasks.add(by_task(manifest))

    def policy_changed(self, manifest: Object) -> None:
        """A NetworkPolicy of Taskyard's name was added, modified or deleted."""
        self._tasks.add((manifest["metadata"]["namespace"], ""))

    def secret_changed(self, manifest: Object) -> None:
        """A Secret that Tasks may use was added, modified or deleted, or lost the label that allows its use."""
        self._look_at_tasks_naming(SECRETS, key_of(manifest))

    def listed(self, resource: Resource, manifests: list[Object], *, listed_at: str) -> None:
        """Replace what is known of a kind by a list made at the resourceVersion `listed_at`."""
        store, changed = self._kinds[resource]
        for manifest in store.replace(manifests, listed_at=listed_at):
            changed(manifest)

    def _task_changed(self, manifest: Object) -> None:
        self.status_written(key_of(manifest))

    def _version_changed(self, manifest: Object) -> None:
        key = key_of(manifest)
        self._versions.add(key)
        self._look_at_tasks_naming(TEMPLATE_VERSIONS, key)
        for template in self._stores.templates.grouped(key):
            self._template_changed(template)

    def _template_changed(self, manifest: Object) -> None:
        key = key_of(manifest)
        self._templates.add(key)
        self._look_at_tasks_naming(TEMPLATES, key)

    def _look_at_tasks_naming(self, resource: Resource, key: Key) -> None:
        for task in self._stores.tasks.grouped(naming(resource, key)):
            self._tasks.add(key_of(task))

    def _input_changed(self, manifest: Object) -> None:
        key = by_task(manifest)
        self._inputs.add(key)
        self._tasks.add(key)
