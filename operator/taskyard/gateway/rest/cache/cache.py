"""The API server's objects, kept in memory by watches: of each kind only what responses need, and never Secrets."""

import asyncio
from collections.abc import Callable
from typing import Any

from taskyard.apiclient import Object
from taskyard.gateway.cluster import Cluster
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.cache import waiting_inputs
from taskyard.gateway.rest.cache.change_notifier import ChangeNotifier
from taskyard.gateway.rest.cache.long_prompts import LongPrompts
from taskyard.gateway.rest.cache.newest_first import NewestFirst
from taskyard.gateway.rest.cache.objects.namespace import NAMESPACE, NamespaceView
from taskyard.gateway.rest.cache.objects.task import TaskView, task_kind
from taskyard.gateway.rest.cache.objects.task_input import INPUT, InputView
from taskyard.gateway.rest.cache.objects.template import TEMPLATE, TEMPLATE_VERSION, TemplateVersionView
from taskyard.gateway.rest.cache.objects.workspace_build import BUILD, POD, BuildView, PodView
from taskyard.watchcache.kind import Key, V, key_of
from taskyard.watchcache.reflector import Reflector
from taskyard.watchcache.store import Group, Store

SYSTEM_NAMESPACE = "kube-system"


class Cache:
    """The stores."""

    def __init__(self) -> None:
        self.long_prompts = LongPrompts()
        self.tasks = Store(task_kind(self.long_prompts.hold), _by_uid_and_build)
        self.newest_tasks = NewestFirst(self.tasks)
        self.templates = Store(TEMPLATE)
        self.template_versions = Store(
            TEMPLATE_VERSION, lambda version: [(version.namespace, version.template), _by_uid(version.uid)]
        )
        self.builds = Store(BUILD, lambda build: [(build.namespace, build.task), *_by_build_id(build)])
        self.pods = Store(POD)
        self.inputs = Store(INPUT, lambda entry: [(entry.namespace, entry.task), *waiting_inputs.groups_of(entry)])
        self.namespaces = Store(NAMESPACE, _by_user)
        self.changes = ChangeNotifier()
        # Counts the changes of the objects that Tasks are shown with: templates, versions, namespaces.
        self.surroundings = 0
        # Set once every kind has been listed.
        self.full = asyncio.Event()

    async def run(self, cluster: Cluster) -> None:
        """Keep the stores in step with the API server, until cancelled."""
        watched: tuple[tuple[Store[Any], Callable[[Any], None]], ...] = (
            (self.tasks, self._task_changed),
            (self.templates, self._surroundings_changed),
            (self.template_versions, self._surroundings_changed),
            (self.builds, self._build_changed),
            (self.inputs, lambda entry: None),
            (self.pods, self._pod_changed),
            (self.namespaces, self._surroundings_changed),
        )
        reflectors = [Reflector(cluster, store, changed) for store, changed in watched]
        async with asyncio.TaskGroup() as group:
            for reflector in reflectors:
                group.create_task(reflector.run())
            for reflector in reflectors:
                await reflector.listed.wait()
            self.full.set()

    def task_written(self, manifest: Object) -> TaskView:
        """Store a Task as the response to a write shows it. Returns the form in which it is stored."""
        kept = self.tasks.kind.of(manifest)
        if self.tasks.keep(kept):
            self._task_changed(kept)
        return kept

    def task(self, key: Key) -> TaskView | None:
        """A Task that is not being deleted."""
        return _living(self.tasks.get(key))

    def task_of_uid(self, uid: str) -> TaskView | None:
        """The Task of a UID, unless it is being deleted."""
        return _living(_only(self.tasks, _by_uid(uid)))

    def template_version_of_uid(self, uid: str) -> TemplateVersionView | None:
        """The TemplateVersion of a UID."""
        return _only(self.template_versions, _by_uid(uid))

    def versions_of(self, namespace: str, family: str) -> list[TemplateVersionView]:
        """The TemplateVersions of a family, oldest first."""
        found = self.template_versions.grouped((namespace, family))
        return sorted(found, key=lambda version: (version.created_at, version.name))

    def builds_of(self, task: TaskView) -> dict[int, BuildView]:
        """A Task's builds, by number."""
        found = self.builds.grouped((task.namespace, task.name))
        return {build.number: build for build in found if build.owner == task.uid}

    def inputs_of(self, task: TaskView) -> list[InputView]:
        """The TaskInputs of a Task, without those of an earlier Task of its name, in no order."""
        return [
            entry
            for entry in self.inputs.grouped((task.namespace, task.name))
            if entry.owner in ("", task.uid) and entry.created_at >= task.created_at
        ]

    def pod_of(self, task: TaskView) -> PodView | None:
        """The Pod of a Task's newest build, if it has one."""
        pod = self.pods.get((task.namespace, task.build.name)) if task.build else None
        return pod if pod is not None and pod.owner == task.uid else None

    def build_of_id(self, identifier: str) -> tuple[TaskView, int] | None:
        """The Task and the number of a build, by the UID of its WorkspaceBuild or by its id in the REST API, which the
        newest build and the one after it have before there is a WorkspaceBuild."""
        build = _only(self.builds, ("", "id", identifier))
        if build is not None:
            task = self.task((build.namespace, build.task))
            return (task, build.number) if task is not None and build.owner == task.uid else None
        task = _living(_only(self.tasks, ("", "build", identifier)))
        if task is None:
            return None
        return next((task, number) for known, number in _expected_builds(task) if known == identifier)

    def namespace(self, name: str) -> NamespaceView | None:
        """A namespace."""
        return self.namespaces.get(("", name))

    def namespaces_of_user(self, name: str) -> list[NamespaceView]:
        """The namespaces annotated as a user's, ignoring case, sorted by name."""
        return sorted(self.namespaces.grouped(("", "user", name.lower())), key=lambda namespace: namespace.name)

    def namespace_of_uid(self, uid: str) -> NamespaceView | None:
        """The namespace of a UID."""
        return _only(self.namespaces, _by_uid(uid))

    @property
    def organization_id(self) -> str:
        """The cluster's identity: the UID of its system namespace."""
        system = self.namespace(SYSTEM_NAMESPACE)
        return system.uid if system else identifiers.organization()

    def _task_changed(self, task: TaskView) -> None:
        if self.task_of_uid(task.uid) is None:
            self.long_prompts.drop(task.uid)
        self.changes.task(task.uid, key_of(task))

    def _build_changed(self, build: BuildView) -> None:
        self.changes.part((build.namespace, build.task))

    def _pod_changed(self, pod: PodView) -> None:
        self.changes.part((pod.namespace, pod.task))

    def _surroundings_changed(self, view: object) -> None:
        self.surroundings += 1


def _only(store: Store[V], group: Group) -> V | None:
    return next(iter(store.grouped(group)), None)


def _living(task: TaskView | None) -> TaskView | None:
    return None if task is None or task.deleting else task


# These groups start with an empty namespace, so that none of them is a namespace's own.
def _by_uid(uid: str) -> Group:
    return ("", "uid", uid)


def _by_uid_and_build(task: TaskView) -> list[Group]:
    return [_by_uid(task.uid), *(("", "build", identifier) for identifier, _ in _expected_builds(task))]


def _expected_builds(task: TaskView) -> list[tuple[str, int]]:
    """The ids and numbers of a Task's newest build, if any, and of the next one, whose id a client knows that has asked
    for it."""
    newest = task.build.number if task.build else 0
    return [(identifiers.build(task.uid, number), number) for number in (newest, newest + 1) if number]


def _by_build_id(build: BuildView) -> list[Group]:
    derived: list[Group] = [("", "id", identifiers.build(build.owner, build.number))] if build.owner else []
    return [("", "id", build.uid), *derived]


def _by_user(namespace: NamespaceView) -> list[Group]:
    return [_by_uid(namespace.uid), *([("", "user", namespace.user.lower())] if namespace.user else [])]
