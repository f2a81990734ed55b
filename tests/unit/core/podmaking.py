"""Pods of a template version, for tests to examine."""

from __future__ import annotations

from typing import Any

from taskyard.core.manifests import pod
from unit.core.builders import Manifest, build, installation, task, template_version

AGENT = {"name": "agent", "image": "debian", "command": ["bash", "-i"]}


def made(
    spec: Manifest | None = None, *, metadata: Manifest | None = None, agent: Manifest | None = None, **fields: Any
) -> Manifest:
    """The Pod of a template version with `spec` in its Pod and `agent` in its agent's container."""
    given: Manifest = {"spec": {"containers": [AGENT | (agent or {})]} | (spec or {})}
    if metadata:
        given["metadata"] = metadata
    installed = fields.pop("installed", installation())
    return pod.manifest(task(), build(), template_version(pod=given, **fields), installed)


def container(manifest: Manifest, name: str) -> Manifest:
    spec = manifest["spec"]
    (found,) = [c for c in [*spec["initContainers"], *spec["containers"]] if c["name"] == name]
    return dict(found)
