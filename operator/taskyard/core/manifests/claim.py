"""Manifest of the PersistentVolumeClaim with a Task's home."""

from __future__ import annotations

from typing import Any

from taskyard.core import names
from taskyard.core.api_object import Manifest
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView


def manifest(task: TaskView, version: TemplateVersionView) -> Manifest:
    """The claim, with the size and storage class that the template version asks for."""
    home = version.home
    if home is None:
        raise ValueError(f"template version {version.name} has no home")
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": home["size"]}},
    }
    if home.get("storageClassName") is not None:
        spec["storageClassName"] = home["storageClassName"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": names.claim_name(task.name),
            "namespace": task.namespace,
            "labels": names.labels(task=task.name, template=version.template, template_version=version.name),
            "ownerReferences": [names.owner_reference(name=task.name, uid=task.uid)],
        },
        "spec": spec,
    }
