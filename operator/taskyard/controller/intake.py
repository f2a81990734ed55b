"""From events to keys: what came is kept in its store, and the Tasks that it concerns are looked at."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from taskyard.controller.cluster import (
    SECRETS,
    TASK_INPUTS,
    TASKS,
    TEMPLATE_VERSIONS,
    TEMPLATES,
    ApiError,
    Cluster,
    Object,
    Resource,
)
from taskyard.controller.queue import KeyedQueue
from taskyard.controller.stores import Stores, by_label, by_task, naming
from taskyard.watchcache.store import Key, Store, key_of

logger = logging.getLogger(__name__)

RELIST_DELAY_SECONDS = 1.0
RELIST_EVERY_SECONDS = 600.0


class Intake:
    """Feeds the stores of what people write, and the queues.

    kopf never tells of an object that was deleted while its watch was down, nor when its lists are done. So each kind
    is listed here once before anything is decided, again whenever kopf's events show that it lists anew, and every
    ten minutes; each list replaces the store.
    """

    def __init__(
        self,
        cluster: Cluster,
        stores: Stores,
        *,
        tasks: KeyedQueue,
        inputs: KeyedQueue,
        templates: KeyedQueue,
        versions: KeyedQueue,
    ) -> None:
        self._cluster = cluster
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
        self._relist: dict[Resource, asyncio.Event] = {}

    def take(self, resource: Resource, event: Mapping[str, Any]) -> None:
        """An event of kopf's: type None while it lists, else ADDED, MODIFIED or DELETED."""
        store, changed = self._kinds[resource]
        manifest: Object = dict(event["object"])
        if event["type"] == "DELETED":
            store.deleted(manifest)
            changed(manifest)
        # What the operator wrote itself is in the store before its event comes, and is news all the same: inputs wait
        # for a Task to become active, an idle deadline begins then.
        elif store.put(manifest) or (event["type"] is not None and store.knows(manifest)):
            changed(manifest)
        if event["type"] is None and resource in self._relist:
            self._relist[resource].set()

    def status_written(self, key: Key) -> None:
        """The operator has written a Task's status."""
        self._tasks.add(key)
        if self._stores.inputs.grouped(key):
            self._inputs.add(key)

    def child_changed(self, manifest: Object) -> None:
        """A Pod or a claim came, changed or went."""
        self._tasks.add(by_label(manifest))

    def build_changed(self, manifest: Object) -> None:
        """A build came, changed or went."""
        self._tasks.add(by_task(manifest))

    def policy_changed(self, manifest: Object) -> None:
        """A NetworkPolicy of Taskyard's name came, changed or went."""
        self._tasks.add((manifest["metadata"]["namespace"], ""))

    def secret_changed(self, manifest: Object) -> None:
        """A Secret that Tasks may use came or changed, or went or is no longer theirs to use."""
        self._look_at_tasks_naming(SECRETS, key_of(manifest))

    async def list_all(self) -> None:
        """List every kind once. Raises ApiError."""
        for resource in self._kinds:
            await self._list(resource)

    async def keep_listed(self) -> None:
        """List again when needed, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for resource in self._kinds:
                self._relist[resource] = asyncio.Event()
                group.create_task(self._keep_listed(resource, self._relist[resource]))

    async def _keep_listed(self, resource: Resource, wanted: asyncio.Event) -> None:
        while True:
            try:
                async with asyncio.timeout(RELIST_EVERY_SECONDS):
                    await wanted.wait()
            except TimeoutError:
                pass
            # kopf's own list comes in many events: one list of ours for all of them.
            await asyncio.sleep(RELIST_DELAY_SECONDS)
            wanted.clear()
            try:
                await self._list(resource)
            except ApiError as error:
                logger.warning("%s: %s; listing again later", resource.plural, error)
                await asyncio.sleep(RELIST_DELAY_SECONDS)
                wanted.set()

    async def _list(self, resource: Resource) -> None:
        store, changed = self._kinds[resource]
        manifests, listed_at = await self._cluster.list(resource)
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
