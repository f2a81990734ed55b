"""Manifest of a WorkspaceBuild."""

from __future__ import annotations

from taskyard.api import API_VERSION
from taskyard.core import names
from taskyard.core.decision import CreateBuild
from taskyard.core.observed import Manifest, TaskView
from taskyard.core.security.keys import prompt_sha256


def manifest(task: TaskView, step: CreateBuild, *, template: str | None, version: str) -> Manifest:
    """The build of a reservation, of a template version. The prompt cannot have changed since it was reserved."""
    return {
        "apiVersion": API_VERSION,
        "kind": "WorkspaceBuild",
        "metadata": {
            "name": names.build_name(task.name, step.number),
            "namespace": task.namespace,
            "labels": names.labels(task=task.name, template=template, template_version=version, build=step.number),
            "ownerReferences": [names.owner_reference(name=task.name, uid=task.uid)],
        },
        "spec": {
            "task": task.name,
            "number": step.number,
            "transition": step.transition,
            "reason": step.reason,
            "templateVersion": version,
            "promptSHA256": prompt_sha256(task.prompt),
        },
    }
