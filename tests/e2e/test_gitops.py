"""Taskyard beside a GitOps controller: git and the operator never overwrite each other, and deletions complete."""

from __future__ import annotations

import time

import yaml

import manifests
from e2e.kubectl_namespace import KubectlNamespace
from e2e.versions import version


def reasons(ns: KubectlNamespace) -> set[str]:
    """The reasons of all existing builds."""
    return {build["spec"]["reason"] for build in ns.kube.list("workspacebuilds", ns.name)}


def test_an_automatic_pause_persists_although_git_has_paused_false(ns: KubectlNamespace) -> None:
    task = manifests.task(prompt="", paused=False, idleTimeout="2s")
    ns.apply(version("shell-v1"), task)
    found = ns.wait("it is paused automatically", lambda status: status.get("phase") == "Paused", seconds=90)
    assert found["status"]["pausedReason"] == "IdleTimeout"
    ns.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump(task))
    time.sleep(2)
    found = ns.wait("it stays paused", lambda status: status.get("phase") == "Paused")
    assert found["spec"]["paused"] is False
    assert found["status"]["build"]["number"] == 2

    ns.kubectl("annotate", "task", "hello", "taskyard.dev/resumed-at=now")
    ns.wait("it is resumed", lambda status: status["build"]["number"] == 3 and status["phase"] == "Active")


def test_a_namespace_with_tasks_of_every_phase_is_deleted_within_a_minute(ns: KubectlNamespace) -> None:
    ns.apply(
        version("shell-v1"),
        version("no-image", agent={"image": "localhost/nothing:1"}),
        version("no-node", pod={"nodeSelector": {"disk": "imaginary"}}, startTimeoutSeconds=2),
        manifests.task("active"),
        manifests.task("pausing"),
        manifests.task("paused", paused=True),
        manifests.task("pending", templateVersion="missing"),
        manifests.task("initializing", templateVersion="no-image"),
        manifests.task("failed", templateVersion="no-node"),
    )
    for task, phase in {
        "active": "Active",
        "pausing": "Active",
        "paused": "Paused",
        "pending": "Pending",
        "initializing": "Initializing",
        "failed": "Error",
    }.items():
        ns.wait(f"{task} is {phase}", lambda status, phase=phase: status.get("phase") == phase, task=task)
    ns.pause(True, task="pausing")
    ns.kubectl("delete", "namespace", ns.name, "--wait=false")
    began, seen = time.monotonic(), set[str]()
    while ns.kube.get("namespaces", None, ns.name) is not None:
        assert time.monotonic() - began < 60, "the namespace still exists after a minute"
        seen |= reasons(ns)
        time.sleep(0.2)
    assert "Recover" not in seen


def test_foreground_deletion_of_a_task_starts_no_recovery(ns: KubectlNamespace) -> None:
    ns.apply(version("shell-v1"), manifests.task(prompt=""))
    ns.wait_state("Idle")
    ns.kubectl("delete", "task", "hello", "--cascade=foreground", "--wait=false")
    began, seen = time.monotonic(), set[str]()
    while ns.kube.get("tasks", ns.name, "hello") is not None:
        assert time.monotonic() - began < 60, "the Task still exists after a minute"
        seen |= reasons(ns)
        time.sleep(0.1)
    assert seen <= {"Initial"}
    # A Pod does not block its owner's deletion; it is deleted a moment later.
    ns.kube.wait_gone("pods", ns.name, "hello-1")
    assert reasons(ns) <= {"Initial"}
