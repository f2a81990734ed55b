"""One Task and the operator's work on it, against a cluster in memory."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from taskyard.controller.cache.stores import Stores
from taskyard.controller.reconcile import Reconciler
from taskyard.controller.steps.apply import Applier
from taskyard.controller.steps.network_policies import NetworkPolicyKeeper
from taskyard.core.manifests.network import NetworkRules
from taskyard.core.resources import CLAIMS, NAMESPACES, PODS, TASKS, WORKSPACE_BUILDS
from taskyard.watchcache.kind import Key
from unit.controller.fakes import Again, Changed, FakeCluster, FakeTurns
from unit.core.builders import NOW, build_manifest, installation, reservation, task_manifest, template_version_manifest

WEB = ("team", "web")
RUNNING = {
    "phase": "Active",
    "build": reservation(phase="Succeeded"),
    "workspace": {"sidecarVersion": "0.1.0", "appHealth": "Healthy"},
}


class ReconcileHarness:
    """A Task, the objects in the API server, and those in the operator's stores, which may be fewer."""

    def __init__(self, task: dict[str, Any] | None = None, *, network: NetworkRules | None = None) -> None:
        self.cluster, self.stores, self.again, self.changed = FakeCluster(), Stores(), Again(), Changed()
        self.deadlines: dict[Key, datetime | None] = {}
        # The Tasks whose Pod's Events are to be read.
        self.reads: list[Key] = []
        self.now = NOW
        self.cluster.hold(NAMESPACES, {"metadata": {"name": "team", "uid": "n", "resourceVersion": "1"}, "status": {}})
        self.stores.template_versions.put(template_version_manifest())
        self.hold(TASKS, task or task_manifest())
        self.reconciler = Reconciler(
            self.stores,
            Applier(self.cluster, self.stores, installation(), NetworkPolicyKeeper(self.cluster, self.stores, network)),
            clock=self.clock,
            again=self.again,
            turns=FakeTurns(self.again),
            deadline=self.deadlines.__setitem__,
            changed=self.changed,
            seen=lambda key: None,
            read_events=self.reads.append,
        )

    @classmethod
    def running(cls, *, pod: dict[str, Any] | None = None, **task: Any) -> ReconcileHarness:
        """A Task that has started, without its Pod unless one is given."""
        harness = cls(task_manifest(**{"status": RUNNING, **task}))
        harness.hold(WORKSPACE_BUILDS, build_manifest(phase="Succeeded", pod_uid="pod-1"))
        if pod:
            harness.hold(PODS, pod)
        return harness

    def clock(self) -> datetime:
        return self.now

    def hold(self, resource: Any, manifest: dict[str, Any], *, known: bool = True) -> None:
        self.cluster.hold(resource, manifest)
        if known:
            stores = {TASKS: "tasks", WORKSPACE_BUILDS: "builds", PODS: "pods", CLAIMS: "claims"}
            getattr(self.stores, stores[resource]).put(manifest)

    async def reconcile(self) -> None:
        await self.reconciler.reconcile(WEB)

    def names(self, kind: str) -> list[str]:
        return sorted(name for plural, _, name in self.cluster.objects if plural == kind)

    @property
    def status(self) -> dict[str, Any]:
        return dict(self.cluster.objects["tasks", "team", "web"]["status"])

    @property
    def ready(self) -> tuple[str, str]:
        (found,) = [c for c in self.status["conditions"] if c["type"] == "Ready"]
        return found["status"], found["reason"]

    def build(self, name: str = "web-1") -> dict[str, Any]:
        return dict(self.cluster.objects["workspacebuilds", "team", name])

    @property
    def writes(self) -> list[tuple[str, str, str]]:
        return [call for call in self.cluster.calls if call[0] not in ("get", "list")]
