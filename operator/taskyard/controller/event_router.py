"""From events to keys: each object is kept in its store, and the keys that it concerns are queued."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from taskyard.controller.cache.kinds import PolicyView
from taskyard.controller.cache.stores import Stores, naming, naming_any, of_task
from taskyard.controller.queue import KeyedQueue
from taskyard.core.build_view import BuildView
from taskyard.core.claim_view import ClaimView
from taskyard.core.input_view import InputView
from taskyard.core.parameter_views import TemplateView
from taskyard.core.pod_view import PodView
from taskyard.core.resources import SECRETS, TASKS, TEMPLATE_VERSIONS, TEMPLATES, Resource
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView
from taskyard.watchcache.kind import Key, NameView, View, key_of
from taskyard.watchcache.store import Store


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
        self._watched: dict[Resource, tuple[Store[Any], Callable[[Any], None]]] = {
            TASKS: (stores.tasks, self._task_changed),
            TEMPLATES: (stores.templates, self._template_changed),
            TEMPLATE_VERSIONS: (stores.template_versions, self._version_changed),
        }

    @property
    def watched(self) -> Collection[tuple[Store[Any], Callable[[Any], None]]]:
        """The stores of the kinds that kopf watches, and what to call with what changes in them."""
        return self._watched.values()

    def view(self, resource: Resource, event: str, metadata: Mapping[str, Any], raw: bytes) -> View | None:
        """What is kept of an object from kopf, of which `raw` is the JSON; None for a state that the operator has
        written itself, which is in the store. To be called in any thread."""
        is_change = resource is TASKS and event == "MODIFIED"
        if is_change and self._stores.own_writes.take(metadata["uid"], metadata["resourceVersion"]):
            return None
        view: View = self._watched[resource][0].kind.decode(raw)
        return view

    def take(self, resource: Resource, event: str, view: View) -> None:
        """Take an event from kopf: ADDED, MODIFIED or DELETED."""
        store, changed = self._watched[resource]
        if isinstance(view, TaskView):
            changed = self._task_news
        if event == "DELETED":
            store.deleted(view)
            changed(view)
        # What a live read has shown is in the store before its event arrives, and counts as a change all the same.
        elif store.keep(view) or store.knows(view):
            changed(view)

    def status_written(self, key: Key, *, news: bool = False) -> None:
        """The operator has written a Task's status; with `news` somebody else has changed the Task."""
        self._tasks.add(key, news=news)
        if self._stores.inputs.has(key):
            self._inputs.add(key)

    def child_changed(self, child: PodView | ClaimView | BuildView) -> None:
        """A Pod, a claim or a build was added, modified or deleted."""
        self._tasks.add(of_task(child))

    def policy_changed(self, policy: PolicyView) -> None:
        """A NetworkPolicy of Taskyard's name was added, modified or deleted."""
        self._tasks.add((policy.namespace, ""))

    def secret_changed(self, secret: NameView) -> None:
        """A Secret that Tasks may use was added, modified or deleted, or lost the label that allows its use."""
        for group in (naming(SECRETS, key_of(secret)), naming_any(SECRETS, secret.namespace)):
            for task in self._stores.tasks.grouped(group):
                self._stores.examined.pop(key_of(task), None)
                self._tasks.add(key_of(task))

    def input_changed(self, entry: InputView) -> None:
        """An input was added, modified or deleted."""
        key = of_task(entry)
        self._inputs.add(key)
        self._tasks.add(key)

    def _task_changed(self, task: TaskView) -> None:
        # One that was never started does not wait until a start has looked at all the others.
        self.status_written(key_of(task), news=task.build is None)

    def _task_news(self, task: TaskView) -> None:
        self.status_written(key_of(task), news=True)

    def _version_changed(self, version: TemplateVersionView) -> None:
        key = key_of(version)
        self._versions.add(key)
        self._look_at_tasks_naming(TEMPLATE_VERSIONS, key)
        for template in self._stores.templates.grouped(key):
            self._template_changed(template)

    def _template_changed(self, template: TemplateView) -> None:
        key = key_of(template)
        self._templates.add(key)
        self._look_at_tasks_naming(TEMPLATES, key)

    def _look_at_tasks_naming(self, resource: Resource, key: Key) -> None:
        for task in self._stores.tasks.grouped(naming(resource, key)):
            self._tasks.add(key_of(task))
