"""All that the operator knows of the cluster: one store for each kind, grouped by Task."""

from __future__ import annotations

from taskyard.controller.cluster import Object
from taskyard.controller.store import Key, Store, key_of
from taskyard.core import names


def by_label(manifest: Object) -> Key:
    """The Task that a child is labelled with."""
    metadata = manifest["metadata"]
    return metadata["namespace"], metadata.get("labels", {}).get(names.TASK_LABEL, "")


def by_task(manifest: Object) -> Key:
    """The Task that a build or an input names."""
    return manifest["metadata"]["namespace"], manifest["spec"]["task"]


def by_template_version(manifest: Object) -> Key:
    """The template version that a Task names."""
    return manifest["metadata"]["namespace"], manifest["spec"]["templateVersion"]


class Stores:
    """The stores; what decisions read comes from here and from nowhere else."""

    def __init__(self) -> None:
        self.tasks = Store(by_template_version)
        self.template_versions = Store(key_of)
        self.inputs = Store(by_task)
        self.builds = Store(by_task)
        self.pods = Store(by_label)
        self.claims = Store(by_label)
