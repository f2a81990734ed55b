"""Inputs that a restore makes before their Tasks (K3, K14): what docs/backup.md says of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

import manifests
from integration.controller.faultproxy import FaultProxy
from integration.controller.operatorprocess import OperatorProcess
from kube import Kube, Object, phase_is
from localcluster.locations import REPOSITORY

PAGE = " ".join((REPOSITORY / "docs" / "backup.md").read_text().split())
NAMES = ("first", "second")


def restore(kube: Kube, namespace: str, *, task: bool = True) -> None:
    """As Velero does it: in the order of the kinds' names, without status and owners."""
    for name in NAMES:
        kube.create("taskinputs", namespace, manifests.task_input(name, f"echo {name}"))
    if task:
        # Timestamps have whole seconds.
        time.sleep(1.1)
        kube.create("tasks", namespace, manifests.task(paused=True))


def is_queued_for(task: Object) -> Callable[[Object], bool]:
    def holds(entry: Object) -> bool:
        owners = [owner["uid"] for owner in entry["metadata"].get("ownerReferences", ())]
        return owners == [task["metadata"]["uid"]] and entry["status"]["phase"] == "Queued"

    return holds


def wait_queued(kube: Kube, namespace: str) -> None:
    task = kube.get("tasks", namespace, "hello")
    assert task is not None
    for name in NAMES:
        kube.wait("it waits for its Task", "taskinputs", namespace, name, is_queued_for(task))


@pytest.mark.parametrize("has_history", [True, False], ids=["soon after", "after the history"])
def test_with_an_operator_that_runs_they_come_back_as_queued(
    kube: Kube, operator: OperatorProcess, proxy: FaultProxy, namespace: str, has_history: bool
) -> None:
    assert "With an operator that runs, TaskInputs come back without their status, as *Queued*." in PAGE
    operator.start()
    operator.wait_ready()
    restore(kube, namespace, task=False)
    for name in NAMES:
        kube.wait("it is seen", "taskinputs", namespace, name, lambda entry: "order" in entry.get("status", {}))
    proxy.is_forgetful = not has_history
    time.sleep(1.1)
    kube.create("tasks", namespace, manifests.task(paused=True))
    wait_queued(kube, namespace)


def test_an_operator_that_starts_soon_after_the_restore_has_the_history(
    kube: Kube, operator: OperatorProcess, namespace: str
) -> None:
    restore(kube, namespace)
    operator.start()
    operator.wait_ready()
    wait_queued(kube, namespace)


def test_an_operator_that_starts_later_rejects_them_and_restored_once_more_they_are_queued(
    kube: Kube, operator: OperatorProcess, proxy: FaultProxy, namespace: str
) -> None:
    says = "the API server no longer tells"
    assert f"it Rejects the inputs that are older than their Task (*{says} …*)" in PAGE
    restore(kube, namespace)
    proxy.is_forgetful = True
    operator.start()
    operator.wait_ready()
    for name in NAMES:
        found = kube.wait("it is rejected", "taskinputs", namespace, name, phase_is("Rejected"))
        assert says in found["status"]["message"]
    for name in NAMES:
        kube.delete("taskinputs", namespace, name)
        kube.wait_gone("taskinputs", namespace, name)
    # Timestamps have whole seconds: of the Task's own second they would still be taken for older ones.
    time.sleep(1.1)
    restore(kube, namespace, task=False)
    wait_queued(kube, namespace)
