"""Pods that are lost: what the build keeps of it, and that a disruption is no failed recovery. All are for K11."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

import manifests
from integration.controller.kubelet import Kubelet, container
from kube import Kube, Object, phase_is
from taskyard.core.times import parse

pytestmark = pytest.mark.usefixtures("running")

TASK = "hello"


def become_active(kube: Kube, kubelet: Kubelet, namespace: str, number: int) -> None:
    """Acts as the node until the Task is Active in this build."""
    pod = f"{TASK}-{number}"
    kube.wait("the Pod is created", "pods", namespace, pod, lambda pod: True)
    kubelet.bind(pod)
    kube.wait("the build succeeds", "workspacebuilds", namespace, pod, phase_is("Succeeded"))
    kube.wait(
        "it is this build's turn", "tasks", namespace, TASK, lambda task: task["status"]["build"]["number"] == number
    )
    kubelet.enroll(TASK)
    kubelet.run(pod, ready=True)
    kube.wait("the Task is active", "tasks", namespace, TASK, phase_is("Active"))


def evict(kube: Kube, namespace: str, pod: str) -> None:
    """What kubectl drain asks for."""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
    kube.request("POST", kube.path("pods", namespace, pod, "eviction"), body)


def announce(kubelet: Kubelet, pod: str, reason: str) -> None:
    """Writes the condition that announces a disruption."""
    now = "2026-01-01T00:00:00Z"
    target = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "So be it"}
    kubelet.status(pod, conditions=[target | {"lastTransitionTime": now}])


def kept(kube: Kube, namespace: str, number: int) -> Object:
    """How the Pod of a build ended, once that is known."""
    build = kube.wait(
        "its end is kept", "workspacebuilds", namespace, f"{TASK}-{number}", lambda build: "podEnd" in build["status"]
    )
    end: Object = build["status"]["podEnd"]
    return end


def made_at(kube: Kube, namespace: str, number: int) -> datetime:
    build = kube.wait("it recovers", "workspacebuilds", namespace, f"{TASK}-{number}", lambda build: True)
    assert build["spec"]["reason"] == "Recover"
    return parse(build["metadata"]["creationTimestamp"])


def test_disruptions_in_a_row_are_kept_and_recovered_from_without_growing_waits(
    kube: Kube, kubelet: Kubelet, namespace: str
) -> None:
    def drained(pod: str) -> None:
        evict(kube, namespace, pod)
        kube.wait("its end is kept", "workspacebuilds", namespace, pod, lambda build: "podEnd" in build["status"])
        kubelet.remove(pod)

    def collected(pod: str) -> None:
        announce(kubelet, pod, "DeletionByPodGC")
        kubelet.remove(pod)

    def shut_down(pod: str) -> None:
        kubelet.status(pod, phase="Failed", reason="Terminated", message="Pod was terminated in response to …")

    losses: list[tuple[Callable[[str], None], str]] = [
        (drained, "EvictionByEvictionAPI"),
        (collected, "DeletionByPodGC"),
        (shut_down, "NodeShutdown"),
    ]
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task(TASK))
    for number, (lose, reason) in enumerate(losses, start=1):
        become_active(kube, kubelet, namespace, number)
        lose(f"{TASK}-{number}")
        assert kept(kube, namespace, number)["reason"] == reason
    become_active(kube, kubelet, namespace, 4)
    made = [made_at(kube, namespace, number) for number in (2, 3, 4)]
    # Creation times are whole seconds. The second failed recovery would have to wait 20 s.
    assert made[2] - made[0] <= timedelta(seconds=16), made
    end = kept(kube, namespace, 1)
    assert end["activeAt"] <= end["time"]


def test_an_eviction_by_the_kubelet_is_kept_and_named(kube: Kube, kubelet: Kubelet, namespace: str) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task(TASK))
    become_active(kube, kubelet, namespace, 1)
    full = "Usage of EmptyDir volume exceeds the limit"
    kubelet.status(f"{TASK}-1", phase="Failed", reason="Evicted", message=full)
    end = kept(kube, namespace, 1)
    assert (end["reason"], end["message"]) == ("Evicted", full)
    made_at(kube, namespace, 2)


def test_a_pod_that_somebody_deletes_is_no_failed_pod_however_its_containers_end(
    kube: Kube, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task(TASK))
    become_active(kube, kubelet, namespace, 1)
    pod = f"{TASK}-1"
    kube.delete("pods", namespace, pod)
    found = kube.get("pods", namespace, pod)
    assert found is not None
    # As the kubelet does, before it removes the object.
    killed = {"terminated": {"exitCode": 137, "finishedAt": found["metadata"]["deletionTimestamp"]}}
    kubelet.status(pod, phase="Failed", containerStatuses=[container("agent", killed, ready=False)])
    kubelet.remove(pod)
    assert kept(kube, namespace, 1)["reason"] == "Deleted"
    made_at(kube, namespace, 2)
