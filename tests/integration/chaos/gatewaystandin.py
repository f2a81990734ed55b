"""Writes what the gateway writes for sidecars, by the gateway's own rules, but without its tokens and listener."""

from __future__ import annotations

from datetime import UTC, datetime

from integration.chaos.retrying_client import RetryingKube
from kube import Object
from taskyard.core.security.keys import prompt_sha256
from taskyard.gateway.sidecars.objects import build_from, task_from
from taskyard.gateway.sidecars.pod_binding import Evidence, PodBinding, needs_builds, newest_start, pod_binding_of
from taskyard.gateway.sidecars.reports import Report, status_change

SIDECAR_VERSION = "0.1.0"
TRIES = 5


class Gateway:
    """Enrols Pods and stores their reports. Thread-safe."""

    def __init__(self, kube: RetryingKube, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace

    def enrol(self, pod: str, pod_uid: str) -> PodBinding:
        """Records the Pod's sidecar in its Task, if the Task's newest start build created the Pod."""
        for _ in range(TRIES):
            evidence = self._gather(pod, pod_uid)
            binding = pod_binding_of(evidence)
            if binding is not PodBinding.CURRENT:
                return binding
            assert evidence.task is not None and evidence.build is not None
            if prompt_sha256(evidence.task.prompt) != evidence.build.prompt_sha256:
                return PodBinding.UNRECORDED
            if self._write(evidence, {"workspace": {"sidecarVersion": SIDECAR_VERSION}}):
                return binding
        return PodBinding.UNRECORDED

    def report(self, pod: str, pod_uid: str, state: str) -> None:
        """Stores a state (`working`, `idle`) if the Pod is its Task's newest; otherwise drops it."""
        for _ in range(TRIES):
            evidence = self._gather(pod, pod_uid)
            if pod_binding_of(evidence) is not PodBinding.CURRENT:
                return
            assert evidence.task is not None and evidence.build is not None
            report = Report(app_slug="taskyard", state=state)
            change = status_change(
                report, status=evidence.task.status, build=evidence.build.number, now=datetime.now(UTC)
            )
            if not change or self._write(evidence, change):
                return

    def _gather(self, build: str, pod_uid: str) -> Evidence:
        found_build = self._read("workspacebuilds", build)
        if found_build is None:
            return Evidence(pod_uid=pod_uid)
        made = build_from(found_build)
        found_task = self._read("tasks", made.owner.name) if made.owner else None
        if found_task is None:
            return Evidence(pod_uid=pod_uid, build=made)
        task = task_from(found_task)
        builds = []
        if needs_builds(task):
            listed = self._kube.read(
                self._kube.path("workspacebuilds", self._namespace) + f"?labelSelector=taskyard.dev/task%3D{task.name}"
            )
            builds = [build_from(item) for item in (listed or {"items": []})["items"]]
        return Evidence(pod_uid=pod_uid, build=made, task=task, newest_start=newest_start(task, builds))

    def _read(self, plural: str, name: str) -> Object | None:
        return self._kube.read(self._kube.path(plural, self._namespace, name))

    def _write(self, evidence: Evidence, status: Object) -> bool:
        """Merges into the Task's status unless the Task has changed meanwhile; returns whether it did."""
        assert evidence.task is not None
        path = self._kube.path("tasks", self._namespace, evidence.task.name, "status")
        body = {"metadata": {"resourceVersion": evidence.task.resource_version}, "status": status}
        return self._kube.send("PATCH", path, body).is_success
