"""Manifest of a WorkspaceBuild."""

from __future__ import annotations

from taskyard.api import API_VERSION
from taskyard.api.vocabulary import BuildReason, Transition
from taskyard.core import names
from taskyard.core.api_object import Manifest
from taskyard.core.task_view import TaskView


def manifest(
    task: TaskView,
    *,
    number: int,
    transition: Transition,
    reason: BuildReason,
    template: str | None,
    version: str,
) -> Manifest:
    """The build of a reserved number. The prompt cannot have changed since the reservation."""
    return {
        "apiVersion": API_VERSION,
        "kind": "WorkspaceBuild",
        "metadata": {
            "name": names.build_name(task.name, number),
            "namespace": task.namespace,
            "labels": names.labels(task=task.name, template=template, template_version=version, build=number),
            "ownerReferences": [names.owner_reference(name=task.name, uid=task.uid)],
        },
        "spec": {
            "task": task.name,
            "number": number,
            "transition": transition,
            "reason": reason,
            "templateVersion": version,
            "promptSHA256": task.prompt_sha256,
        },
    }
