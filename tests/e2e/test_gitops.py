"""Taskyard beside a GitOps controller: what git says and what the operator does never fight, and deletions end."""

from __future__ import annotations

import time

import yaml

import manifests
from e2e.versions import version
from e2e.yard import Yard


def reasons(yard: Yard) -> set[str]:
    """Reasons of all builds that there are."""
    return {build["spec"]["reason"] for build in yard.kube.list("workspacebuilds", yard.namespace)}


def test_an_automatic_pause_stays_though_git_says_not_paused(yard: Yard) -> None:
    task = manifests.task(prompt="", paused=False, idleTimeout="2s")
    yard.apply(version("shell-v1"), task)
    found = yard.wait("it pauses by itself", lambda status: status.get("phase") == "Paused", seconds=90)
    assert found["status"]["pausedReason"] == "IdleTimeout"
    yard.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=yaml.safe_dump(task))
    time.sleep(2)
    found = yard.wait("it stays paused", lambda status: status.get("phase") == "Paused")
    assert found["spec"]["paused"] is False
    assert found["status"]["build"]["number"] == 2

    yard.kubectl("annotate", "task", "hello", "taskyard.dev/resumed-at=now")
    yard.wait("it goes on", lambda status: status["build"]["number"] == 3 and status["phase"] == "Active")


def test_a_namespace_with_tasks_of_every_phase_is_deleted_within_a_minute(yard: Yard) -> None:
    yard.apply(
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
        yard.wait(f"{task} is {phase}", lambda status, phase=phase: status.get("phase") == phase, task=task)
    yard.pause(True, task="pausing")
    yard.kubectl("delete", "namespace", yard.namespace, "--wait=false")
    began, seen = time.monotonic(), set[str]()
    while yard.kube.get("namespaces", None, yard.namespace) is not None:
        assert time.monotonic() - began < 60, "the namespace is still there after a minute"
        seen |= reasons(yard)
        time.sleep(0.2)
    assert "Recover" not in seen


def test_foreground_deletion_of_a_task_starts_no_recovery(yard: Yard) -> None:
    yard.apply(version("shell-v1"), manifests.task(prompt=""))
    yard.wait_state("Idle")
    yard.kubectl("delete", "task", "hello", "--cascade=foreground", "--wait=false")
    began, seen = time.monotonic(), set[str]()
    while yard.kube.get("tasks", yard.namespace, "hello") is not None:
        assert time.monotonic() - began < 60, "the Task is still there after a minute"
        seen |= reasons(yard)
        time.sleep(0.1)
    assert seen <= {"Initial"}
    # A Pod does not block its owner's deletion; it goes by itself a moment later.
    yard.kube.wait_gone("pods", yard.namespace, "hello-1")
    assert reasons(yard) <= {"Initial"}
