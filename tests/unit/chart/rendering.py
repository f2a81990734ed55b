"""Helm's rendered manifests, for tests to examine."""

import subprocess
from collections.abc import Callable
from typing import Any

from localcluster.locations import REPOSITORY

CHART = REPOSITORY / "charts" / "taskyard"
NAMESPACE = "agents-control"
OPERATOR, GATEWAY = "taskyard-operator", "taskyard-gateway"

Manifest = dict[str, Any]


class Rendered:
    """The manifests of one rendering."""

    def __init__(self, manifests: list[Manifest]) -> None:
        self.manifests = manifests

    def of_kind(self, kind: str) -> list[Manifest]:
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def one(self, kind: str, name: str) -> Manifest:
        found = [manifest for manifest in self.of_kind(kind) if manifest["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} of {kind} {name}"
        return found[0]

    def pod(self, deployment: str) -> Manifest:
        spec: Manifest = self.one("Deployment", deployment)["spec"]["template"]["spec"]
        return spec

    def environment(self, deployment: str) -> dict[str, Any]:
        """Environment variables of a process: the value, or its source."""
        [container] = self.pod(deployment)["containers"]
        return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}

    def rules(self, process: str) -> list[Manifest]:
        """All rules of a process, from its ClusterRole and its Role."""
        return [rule for kind in ("ClusterRole", "Role") for rule in self.one(kind, process)["rules"]]


Helm = Callable[..., subprocess.CompletedProcess[str]]
Render = Callable[..., Rendered]
