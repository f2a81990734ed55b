"""Everything that the operator knows about the cluster: one store for each kind, grouped by Task."""

from __future__ import annotations

from taskyard.controller.cluster import Object
from taskyard.controller.lost_pods import LostPods
from taskyard.controller.unkept import Unkept
from taskyard.core import names
from taskyard.core.resources import SECRETS, TEMPLATE_VERSIONS, TEMPLATES, Resource
from taskyard.core.start_cause import Reading
from taskyard.watchcache.store import Group, Key, Store, key_of


def by_label(manifest: Object) -> Key:
    """The Task that a child is labelled with."""
    metadata = manifest["metadata"]
    return metadata["namespace"], metadata.get("labels", {}).get(names.TASK_LABEL, "")


def by_task(manifest: Object) -> Key:
    """The Task that a build or an input names."""
    return manifest["metadata"]["namespace"], manifest["spec"]["task"]


def by_active_version(manifest: Object) -> Key:
    """The template version that a Template makes active."""
    return manifest["metadata"]["namespace"], manifest["spec"]["activeVersion"]


def naming(resource: Resource, key: Key) -> Group:
    """The group of the Tasks that name an object: its kind, namespace and name."""
    return resource.plural, *key


def named_by(task: Object) -> list[Group]:
    """What a Task names: its Template or template version, the version that it uses, and Secrets."""
    namespace, spec = task["metadata"]["namespace"], task["spec"]
    named = [
        (TEMPLATES, spec.get("template")),
        (TEMPLATE_VERSIONS, spec.get("templateVersion")),
        (TEMPLATE_VERSIONS, task.get("status", {}).get("templateVersion")),
        *((SECRETS, given.get("secretRef", {}).get("name")) for given in spec.get("parameters") or ()),
    ]
    return [naming(resource, (namespace, name)) for resource, name in named if name]


def of_namespace(namespace: str) -> Group:
    """The group of all objects of a namespace."""
    return (namespace,)


def in_namespace(manifest: Object) -> list[Group]:
    """The group of an object's namespace."""
    return [of_namespace(manifest["metadata"]["namespace"])]


class Stores:
    """The stores, the only source of what decisions read.

    `secrets` holds the Secrets that their owners let Tasks use, without their values; None where Tasks can use none.
    `readings` are those of the Events of Pods that do not start, by Task.
    """

    def __init__(self, *, secret_parameters: bool = True) -> None:
        self.tasks = Store(key_of, also=lambda task: [*in_namespace(task), *named_by(task)])
        self.templates = Store(by_active_version)
        self.template_versions = Store(key_of)
        self.secrets = Store(key_of) if secret_parameters else None
        self.inputs = Store(by_task)
        self.builds = Store(by_task)
        self.pods = Store(by_label, also=in_namespace)
        self.claims = Store(by_label)
        self.network_policies = Store(key_of)
        self.lost_pods = LostPods()
        self.pods.observe(self.lost_pods.saw)
        self.unkept = Unkept()
        self.readings: dict[Key, Reading] = {}
