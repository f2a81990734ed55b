"""Pods that do not start within their time, and Events that say why. All are for K4."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import manifests
from integration.controller.kubelet import Kubelet, container
from kube import Kube, Object, phase_is
from taskyard.core.times import rfc3339

pytestmark = pytest.mark.usefixtures("running")

NO_SECRET = 'MountVolume.SetUp failed for volume "keys" : secret "nothing" not found'
IN_USE = 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) other-1'


def bind(kube: Kube, kubelet: Kubelet, namespace: str, *, seconds: int = 3) -> Object:
    """A Task whose Pod has a node and waits for its containers."""
    kube.create("templateversions", namespace, manifests.template_version(startTimeoutSeconds=seconds))
    kube.create("tasks", namespace, manifests.task())
    pod = kube.wait("the Pod is created", "pods", namespace, "hello-1", lambda pod: True)
    kubelet.bind("hello-1")
    creating = {"waiting": {"reason": "ContainerCreating"}}
    kubelet.status(
        "hello-1",
        phase="Pending",
        initContainerStatuses=[container("taskyard-sidecar", creating, ready=False) | {"started": False}],
        containerStatuses=[container("agent", {"waiting": {"reason": "PodInitializing"}}, ready=False)],
    )
    kube.wait("the Task initializes", "tasks", namespace, "hello", phase_is("Initializing"))
    return pod


def event(kube: Kube, namespace: str, name: str, of: Object, reason: str, message: str, *, kind: str = "Pod") -> None:
    """Writes an Event as the kubelet, or the controller of volumes, does."""
    now = rfc3339(datetime.now(UTC))
    kube.create(
        "events",
        namespace,
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": kind,
                "namespace": namespace,
                "name": of["metadata"]["name"],
                "uid": of["metadata"]["uid"],
            },
            "type": "Warning",
            "reason": reason,
            "message": message,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "source": {"component": "kubelet", "host": "node-1"},
        },
    )


def condition(task: Object, kind: str) -> Object | None:
    return next((c for c in task["status"].get("conditions", ()) if c["type"] == kind), None)


@pytest.mark.parametrize(
    ("reason", "message", "remedy"),
    [
        pytest.param("FailedMount", NO_SECRET, "Create Secret nothing in this namespace", id="mount"),
        pytest.param("FailedAttachVolume", IN_USE, "when the Pod that uses it on another node is gone", id="attach"),
        pytest.param("FailedCreatePodSandBox", "plugin failed: no room in range", "network plugin", id="sandbox"),
    ],
)
def test_after_the_time_out_the_cause_is_told_and_a_start_that_comes_good_heals(
    kube: Kube, kubelet: Kubelet, namespace: str, reason: str, message: str, remedy: str
) -> None:
    pod = bind(kube, kubelet, namespace)
    event(kube, namespace, "mine", pod, reason, message)
    other = {"metadata": {"name": "hello-1", "uid": "3b1d5a0e-0000-4000-8000-000000000000"}}
    event(kube, namespace, "not-mine", other, "FailedMount", "another Pod's trouble")
    task = kube.wait("the Task is in error", "tasks", namespace, "hello", phase_is("Error"))
    task = kube.wait(
        "the cause is told",
        "tasks",
        namespace,
        "hello",
        lambda task: (condition(task, "Stalled") or {}).get("reason") == reason,
    )
    ready = condition(task, "Ready")
    assert ready is not None and ready["status"] == "False" and ready["reason"] == reason
    assert message in ready["message"] and remedy in ready["message"]
    build = kube.get("workspacebuilds", namespace, "hello-1")
    assert build is not None and build["status"]["phase"] == "Succeeded"

    kubelet.enroll("hello")
    kubelet.run("hello-1", ready=True)
    task = kube.wait("the Task is active", "tasks", namespace, "hello", phase_is("Active"))
    assert condition(task, "Stalled") is None and condition(task, "Reconciling") is None


def test_without_events_the_task_names_the_command_that_shows_more(
    kube: Kube, kubelet: Kubelet, namespace: str
) -> None:
    bind(kube, kubelet, namespace)
    task = kube.wait("the Task is in error", "tasks", namespace, "hello", phase_is("Error"))
    stalled = condition(task, "Stalled")
    assert stalled is not None and stalled["reason"] == "StartTimeout"
    assert f"kubectl describe pod hello-1 -n {namespace}" in stalled["message"]
    kube.request(
        "PATCH", kube.path("tasks", namespace, "hello"), {"spec": {"paused": True}}, "application/merge-patch+json"
    )
    kube.wait("its Pod is deleted", "pods", namespace, "hello-1", lambda pod: "deletionTimestamp" in pod["metadata"])
    kubelet.remove("hello-1")
    task = kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    assert condition(task, "Stalled") is None


def test_a_home_without_a_volume_is_told_with_the_cause_from_its_claims_events(
    kube: Kube, kubelet: Kubelet, namespace: str
) -> None:
    """Its StorageClass does not exist. The other claim's trouble is not the Task's."""
    kube.create("templateversions", namespace, manifests.template_version(startTimeoutSeconds=4))
    kube.create("tasks", namespace, manifests.task())
    kube.wait("the Pod is created", "pods", namespace, "hello-1", lambda pod: True)
    said = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
    kubelet.status("hello-1", conditions=[scheduled])
    claim = kube.get("persistentvolumeclaims", namespace, "hello-home")
    assert claim is not None
    missing = 'storageclass.storage.k8s.io "fast" not found'
    event(kube, namespace, "mine", claim, "ProvisioningFailed", missing, kind="PersistentVolumeClaim")
    other = {"metadata": {"name": "hello-home", "uid": "3b1d5a0e-0000-4000-8000-000000000001"}}
    event(kube, namespace, "not-mine", other, "VolumeMismatch", "another one", kind="PersistentVolumeClaim")
    kube.wait(
        "the scheduler is quoted",
        "tasks",
        namespace,
        "hello",
        lambda task: (condition(task, "Ready") or {}).get("reason") == "Unschedulable",
    )
    task = kube.wait("the Task is in error", "tasks", namespace, "hello", phase_is("Error"))
    stalled = condition(task, "Stalled")
    assert stalled is not None and stalled["reason"] == "BuildFailed"
    for text in ("claim hello-home has no volume: ", missing, "Create StorageClass fast", "pause and resume the Task"):
        assert text in stalled["message"]
