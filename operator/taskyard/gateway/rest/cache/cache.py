"""The API server's objects, kept in memory by watches: of each kind only what responses need, and never Secrets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from taskyard.apiclient import Object
from taskyard.core import names
from taskyard.core.ownership import is_owned_by, owner_uid
from taskyard.core.resources import (
    NAMESPACES,
    PODS,
    TASK_INPUTS,
    TASKS,
    TEMPLATE_VERSIONS,
    TEMPLATES,
    WORKSPACE_BUILDS,
    Resource,
)
from taskyard.gateway.cluster import Cluster
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.cache.change_notifier import ChangeNotifier
from taskyard.watchcache.reflector import Reflector
from taskyard.watchcache.store import Group, Key, Store, key_of

USER_ANNOTATION = "taskyard.dev/user"
SYSTEM_NAMESPACE = "kube-system"

_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "labels")


class Cache:
    """The stores. Their objects must not be modified."""

    def __init__(self) -> None:
        self.tasks = Store(key_of, also=_by_uid_and_build)
        self.templates = Store(key_of, also=_by_uid)
        self.template_versions = Store(_by_family, also=_by_uid)
        self.builds = Store(_by_task, also=_by_build_id)
        self.pods = Store(key_of)
        self.inputs = Store(_by_task)
        self.namespaces = Store(key_of, also=_by_user)
        self.changes = ChangeNotifier()
        # Counts the changes of the objects that Tasks are shown with: templates, versions, namespaces.
        self.surroundings = 0
        # Set once every kind has been listed.
        self.full = asyncio.Event()

    async def run(self, cluster: Cluster) -> None:
        """Keep the stores in step with the API server, until cancelled."""
        kinds: tuple[tuple[Resource, Store, Callable[[Object], Object], Callable[[Object], None]], ...] = (
            (TASKS, self.tasks, _whole, self._task_changed),
            (TEMPLATES, self.templates, _whole, self._surroundings_changed),
            (TEMPLATE_VERSIONS, self.template_versions, _without_pod, self._surroundings_changed),
            (WORKSPACE_BUILDS, self.builds, _whole, self._build_changed),
            (TASK_INPUTS, self.inputs, _whole, lambda manifest: None),
            (PODS, self.pods, _address, self._pod_changed),
            (NAMESPACES, self.namespaces, _named, self._surroundings_changed),
        )
        reflectors = [
            Reflector(_Kept(cluster, keep), resource, store, changed) for resource, store, keep, changed in kinds
        ]
        async with asyncio.TaskGroup() as group:
            for reflector in reflectors:
                group.create_task(reflector.run())
            for reflector in reflectors:
                await reflector.listed.wait()
            self.full.set()

    def task_written(self, manifest: Object) -> Object:
        """Store a Task as the response to a write shows it. Returns the form in which it is stored."""
        kept = _whole(manifest)
        if self.tasks.put(kept):
            self._task_changed(kept)
        return kept

    def task(self, key: Key) -> Object | None:
        """A Task that is not being deleted."""
        return _living(self.tasks.get(key))

    def task_of_uid(self, uid: str) -> Object | None:
        """The Task of a UID, unless it is being deleted."""
        return _living(_only(self.tasks, ("", "uid", uid)))

    def template_version_of_uid(self, uid: str) -> Object | None:
        """The TemplateVersion of a UID."""
        return _only(self.template_versions, ("", "uid", uid))

    def versions_of(self, namespace: str, family: str) -> list[Object]:
        """The TemplateVersions of a family, oldest first."""
        return sorted(self.template_versions.grouped((namespace, family)), key=_age)

    def builds_of(self, task: Object) -> dict[int, Object]:
        """A Task's builds, by number."""
        metadata = task["metadata"]
        return {
            build["spec"]["number"]: build
            for build in self.builds.grouped((metadata["namespace"], metadata["name"]))
            if is_owned_by(build, metadata["uid"])
        }

    def inputs_of(self, task: Object) -> list[Object]:
        """The TaskInputs of a Task, without those of an earlier Task of its name, in no order."""
        metadata = task["metadata"]
        return [
            entry
            for entry in self.inputs.grouped((metadata["namespace"], metadata["name"]))
            if owner_uid(entry) in (None, metadata["uid"])
            and entry["metadata"]["creationTimestamp"] >= metadata["creationTimestamp"]
        ]

    def build_of_id(self, identifier: str) -> tuple[Object, int] | None:
        """The Task and the number of a build, by the UID of its WorkspaceBuild or by its id in the REST API, which the
        newest build and the one after it have before there is a WorkspaceBuild."""
        build, task = _only(self.builds, ("", "id", identifier)), _only(self.tasks, ("", "build", identifier))
        if build is not None:
            task = self.task((build["metadata"]["namespace"], build["spec"]["task"]))
            if task is None or not is_owned_by(build, task["metadata"]["uid"]):
                return None
            return task, build["spec"]["number"]
        if task is None or not _living(task):
            return None
        return next((task, number) for known, number in _expected_builds(task) if known == identifier)

    def namespace(self, name: str) -> Object | None:
        """A namespace's metadata."""
        return self.namespaces.get(("", name))

    def namespaces_of_user(self, name: str) -> list[Object]:
        """The namespaces annotated as a user's, ignoring case, sorted by name."""
        return sorted(
            self.namespaces.grouped(("", "user", name.lower())), key=lambda manifest: manifest["metadata"]["name"]
        )

    def namespace_of_uid(self, uid: str) -> Object | None:
        """The namespace of a UID."""
        return _only(self.namespaces, ("", "uid", uid))

    @property
    def organization_id(self) -> str:
        """The cluster's identity: the UID of its system namespace."""
        system = self.namespace(SYSTEM_NAMESPACE)
        return system["metadata"]["uid"] if system else identifiers.organization()

    def _task_changed(self, task: Object) -> None:
        self.changes.task(task["metadata"]["uid"], key_of(task))

    def _build_changed(self, build: Object) -> None:
        self.changes.part(_by_task(build))

    def _pod_changed(self, pod: Object) -> None:
        self.changes.part((pod["metadata"]["namespace"], pod["metadata"]["labels"][names.TASK_LABEL]))

    def _surroundings_changed(self, manifest: Object) -> None:
        self.surroundings += 1


class _Kept:
    """Lists and watches whose objects `keep` reduces to what is stored."""

    def __init__(self, cluster: Cluster, keep: Callable[[Object], Object]) -> None:
        self._cluster = cluster
        self._keep = keep

    async def list(self, resource: Resource) -> tuple[list[Object], str]:
        manifests, resource_version = await self._cluster.list_all(resource)
        return [self._keep(manifest) for manifest in manifests], resource_version

    async def watch(self, resource: Resource, resource_version: str) -> AsyncIterator[Object]:
        async for event in self._cluster.watch(resource, resource_version):
            if event["type"] in ("ADDED", "MODIFIED", "DELETED"):
                event = {**event, "object": self._keep(event["object"])}
            yield event


def _only(store: Store, group: Group) -> Object | None:
    return next(iter(store.grouped(group)), None)


def _living(task: Object | None) -> Object | None:
    return None if task is None or "deletionTimestamp" in task["metadata"] else task


def _age(manifest: Object) -> tuple[str, str]:
    return manifest["metadata"]["creationTimestamp"], manifest["metadata"]["name"]


# These groups start with an empty namespace, so that none of them is an object's own group.
def _by_uid(manifest: Object) -> list[Group]:
    return [("", "uid", manifest["metadata"]["uid"])]


def _by_uid_and_build(task: Object) -> list[Group]:
    known: list[Group] = [("", "build", identifier) for identifier, _ in _expected_builds(task)]
    return _by_uid(task) + known


def _expected_builds(task: Object) -> list[tuple[str, int]]:
    """The ids and numbers of a Task's newest build, if any, and of the next one, whose id a client knows that has asked
    for it."""
    newest = (task["status"].get("build") or {}).get("number", 0)
    uid = task["metadata"]["uid"]
    return [(identifiers.build(uid, number), number) for number in (newest, newest + 1) if number]


def _by_family(manifest: Object) -> Key:
    return manifest["metadata"]["namespace"], manifest["spec"]["template"]


def _by_task(manifest: Object) -> Key:
    return manifest["metadata"]["namespace"], manifest["spec"]["task"]


def _by_build_id(manifest: Object) -> list[Group]:
    owner = owner_uid(manifest)
    derived: list[Group] = [("", "id", identifiers.build(owner, manifest["spec"]["number"]))] if owner else []
    return [("", "id", manifest["metadata"]["uid"]), *derived]


def _by_user(manifest: Object) -> list[Group]:
    user = manifest["metadata"]["annotations"].get(USER_ANNOTATION)
    return _by_uid(manifest) + ([("", "user", user.lower())] if user else [])


def _whole(manifest: Object) -> Object:
    metadata: dict[str, Any] = {name: manifest["metadata"][name] for name in _METADATA if name in manifest["metadata"]}
    if "ownerReferences" in manifest["metadata"]:
        metadata["ownerReferences"] = manifest["metadata"]["ownerReferences"]
    return {"metadata": metadata, "spec": manifest.get("spec") or {}, "status": manifest.get("status") or {}}


def _without_pod(manifest: Object) -> Object:
    kept = _whole(manifest)
    return {**kept, "spec": {name: value for name, value in kept["spec"].items() if name != "pod"}}


def _address(manifest: Object) -> Object:
    metadata, status = _whole(manifest)["metadata"], manifest.get("status") or {}
    return {"metadata": metadata, "status": {"podIP": status.get("podIP", "")}}


def _named(manifest: Object) -> Object:
    kept = _whole(manifest)["metadata"]
    annotations = manifest["metadata"].get("annotations") or {}
    known = {USER_ANNOTATION: annotations[USER_ANNOTATION]} if USER_ANNOTATION in annotations else {}
    return {"metadata": {**kept, "namespace": "", "annotations": known}}
