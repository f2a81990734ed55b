"""Homes that outlive their Task (K3), and homes that grow (K12), at a real API server. No controller manager runs here:
the test does what the volumes' controllers do."""

from __future__ import annotations

import copy
import shlex
import subprocess
import uuid
from pathlib import Path

import pytest

import manifests
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.controller.test_start import become_active
from integration.denial import unowned
from kube import Kube, Object, condition, phase_is, ready_because
from localcluster import programs

KINDS = ("tasks", "workspacebuilds", "persistentvolumeclaims")


def saved(kube: Kube, namespace: str) -> dict[str, list[Object]]:
    """What a backup keeps: everything but what belongs to the objects that were."""
    kept = {}
    for plural in KINDS:
        kept[plural] = copy.deepcopy(kube.list(plural, namespace))
        for found in kept[plural]:
            for field in ("uid", "resourceVersion", "ownerReferences", "creationTimestamp", "generation"):
                found["metadata"].pop(field, None)
    return kept


def remove(kube: Kube, namespace: str) -> None:
    """Deletes the Task and all that it has."""
    for plural in ("tasks", "pods", "workspacebuilds", "persistentvolumeclaims"):
        for found in kube.list(plural, namespace):
            name = found["metadata"]["name"]
            kube.delete(plural, namespace, name, now=plural == "pods")
            if plural == "persistentvolumeclaims":
                kube.patch(plural, namespace, name, {"metadata": {"finalizers": None}})
            kube.wait_gone(plural, namespace, name)


def restore(kube: Kube, namespace: str, kept: dict[str, list[Object]], *, with_status: bool) -> None:
    """Creates what was saved, homes first, as backup tools do."""
    for plural in reversed(KINDS):
        for found in kept[plural]:
            status = found.pop("status", {})
            made = kube.create(plural, namespace, found)
            if with_status and plural != "persistentvolumeclaims":
                kube.patch(plural, namespace, made["metadata"]["name"], {"status": status}, subresource="status")


def told_command(task: Object) -> list[str]:
    """The command that the Task's message ends with."""
    message = condition(task, "Ready")["message"]
    return shlex.split(message[message.index("kubectl ") :])


@pytest.mark.parametrize(
    "with_status", [pytest.param(False, id="without status"), pytest.param(True, id="with status")]
)
def test_a_restored_task_takes_its_home_once_the_printed_command_was_run(
    kube: Kube, kubeconfig: Path, operator: OperatorProcess, kubelet: Kubelet, namespace: str, with_status: bool
) -> None:
    """K3."""
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    become_active(kube, kubelet, namespace)
    kept = saved(kube, namespace)
    remove(kube, namespace)
    restore(kube, namespace, kept, with_status=with_status)

    task = kube.wait(
        "the conflict is told",
        "tasks",
        namespace,
        "hello",
        ready_because("NameConflict"),
    )
    home = kube.get("persistentvolumeclaims", namespace, "hello-home")
    assert home is not None and "ownerReferences" not in home["metadata"]
    assert "delete it" not in condition(task, "Ready")["message"]
    kubectl, *arguments = told_command(task)
    assert kubectl == "kubectl"
    subprocess.run([programs.kubectl(), "--kubeconfig", kubeconfig, *arguments], check=True, timeout=30)

    adopted = kube.wait(
        "the home is the Task's",
        "persistentvolumeclaims",
        namespace,
        "hello-home",
        lambda claim: claim["metadata"].get("ownerReferences"),
    )
    assert adopted["metadata"]["uid"] == home["metadata"]["uid"], "it is the same claim"
    (reference,) = adopted["metadata"]["ownerReferences"]
    assert (reference["uid"], reference["controller"]) == (task["metadata"]["uid"], True)
    assert not adopted["metadata"].get("annotations"), "the annotation is used up"
    become_active(kube, kubelet, namespace)
    (build,) = kube.list("workspacebuilds", namespace)
    assert build["spec"]["number"] == 1
    assert build["metadata"]["ownerReferences"][0]["uid"] == task["metadata"]["uid"]
    assert "Traceback" not in operator.log


def test_builds_and_pods_of_a_task_that_was_deleted_without_them_are_removed(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    """K3: what `kubectl delete --cascade=orphan` leaves behind, with the claim annotated in advance."""
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    become_active(kube, kubelet, namespace)
    kube.patch(
        "persistentvolumeclaims",
        namespace,
        "hello-home",
        {"metadata": {"annotations": {"taskyard.dev/adoptable-by": "hello"}}},
    )
    operator.kill()
    operator.wait_dead()
    kube.delete("tasks", namespace, "hello")
    for plural, name in (("workspacebuilds", "hello-1"), ("pods", "hello-1"), ("persistentvolumeclaims", "hello-home")):
        # The garbage collector's work.
        kube.patch(plural, namespace, name, {"metadata": {"ownerReferences": None}})
    left = kube.get("pods", namespace, "hello-1")
    assert left is not None
    task = kube.create("tasks", namespace, manifests.task())
    operator.start()

    kube.wait(
        "the Pod that was left is deleted", "pods", namespace, "hello-1", lambda p: "deletionTimestamp" in p["metadata"]
    )
    home = kube.get("persistentvolumeclaims", namespace, "hello-home")
    assert home is not None and "ownerReferences" not in home["metadata"], "two agents would have the home"
    kubelet.remove("hello-1")
    kube.wait(
        "the new Pod",
        "pods",
        namespace,
        "hello-1",
        lambda pod: pod["metadata"].get("ownerReferences", [{}])[0].get("uid") == task["metadata"]["uid"],
    )
    become_active(kube, kubelet, namespace)
    assert "Traceback" not in operator.log


def test_a_claim_that_somebody_owns_is_not_adopted_whatever_its_annotation_says(
    kube: Kube, operator: OperatorProcess, namespace: str
) -> None:
    """K3."""
    kube.create("templateversions", namespace, manifests.template_version())
    keeper = kube.create("configmaps", namespace, {"metadata": {"name": "keeper"}})["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "keeper", "uid": keeper}
    metadata = {"name": "hello-home", "annotations": {"taskyard.dev/adoptable-by": "hello"}, "ownerReferences": [owner]}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    kube.create("persistentvolumeclaims", namespace, {"metadata": metadata, "spec": spec})
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    task = kube.wait(
        "the conflict is told",
        "tasks",
        namespace,
        "hello",
        ready_because("NameConflict"),
    )
    assert 'belongs to ConfigMap "keeper"' in condition(task, "Ready")["message"]
    found = kube.get("persistentvolumeclaims", namespace, "hello-home")
    assert found is not None and found["metadata"]["ownerReferences"] == [owner]


def test_a_start_is_paused_while_the_adoption_of_its_home_is_refused(
    kube: Kube, operator: OperatorProcess, namespace: str
) -> None:
    """K2, K3."""
    kube.create("templateversions", namespace, manifests.template_version())
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    kube.create("persistentvolumeclaims", namespace, {"metadata": {"name": "hello-home"}, "spec": spec})
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    kube.wait("the conflict is told", "tasks", namespace, "hello", ready_because("NameConflict"))
    with unowned(kube, namespace, "persistentvolumeclaims", "hello-home"):
        offer = {"metadata": {"annotations": {"taskyard.dev/adoptable-by": "hello"}}}
        kube.patch("persistentvolumeclaims", namespace, "hello-home", offer)
        kube.wait(
            "the refusal is told",
            "tasks",
            namespace,
            "hello",
            lambda task: "kept for the audit" in condition(task, "Ready")["message"],
        )
        kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
        kube.wait("the stop succeeds", "workspacebuilds", namespace, "hello-2", phase_is("Succeeded"))
        kube.wait("it is paused", "tasks", namespace, "hello", phase_is("Paused"))
    assert "Traceback" not in operator.log


@pytest.fixture
def storage_class(kube: Kube, request: pytest.FixtureRequest) -> str:
    """A storage class that allows expansion, or does not."""
    name = f"storage-{uuid.uuid4().hex[:8]}"
    path = "/apis/storage.k8s.io/v1/storageclasses"
    manifest = {"metadata": {"name": name}, "provisioner": "example.org/none", "allowVolumeExpansion": request.param}
    kube.request("POST", path, manifest)
    return name


def provision(kube: Kube, namespace: str, size: str) -> None:
    """Binds the claim to a volume that nobody looks at."""
    kube.patch("persistentvolumeclaims", namespace, "hello-home", {"spec": {"volumeName": "none"}})
    status = {"phase": "Bound", "capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"]}
    kube.patch("persistentvolumeclaims", namespace, "hello-home", {"status": status}, subresource="status")


def paused_with_a_home_of_1_gib(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str, storage_class: str
) -> None:
    for name, size in (("shell-v1", "1Gi"), ("shell-v2", "2Gi"), ("shell-v3", "512Mi")):
        home = {"size": size, "storageClassName": storage_class}
        kube.create("templateversions", namespace, manifests.template_version(name, home=home))
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    become_active(kube, kubelet, namespace)
    provision(kube, namespace, "1Gi")
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
    kube.wait("the Pod ends", "pods", namespace, "hello-1", lambda pod: "deletionTimestamp" in pod["metadata"])
    kubelet.remove("hello-1")
    kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))


def resume(kube: Kube, kubelet: Kubelet, namespace: str, version: str, build: int) -> None:
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": False, "templateVersion": version}})
    kube.wait("the Pod", "pods", namespace, f"hello-{build}", lambda pod: True)
    kubelet.bind(f"hello-{build}")


@pytest.mark.parametrize("storage_class", [True], indirect=True)
def test_a_home_grows_when_its_task_is_resumed_with_a_larger_one(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str, storage_class: str
) -> None:
    """K12."""
    paused_with_a_home_of_1_gib(kube, operator, kubelet, namespace, storage_class)
    resume(kube, kubelet, namespace, "shell-v2", 3)
    claim = kube.get("persistentvolumeclaims", namespace, "hello-home")
    assert claim is not None
    assert claim["spec"]["resources"]["requests"]["storage"] == "2Gi"
    kube.wait(
        "it is told", "tasks", namespace, "hello", lambda task: condition(task, "HomeResized")["reason"] == "Resizing"
    )
    provision(kube, namespace, "2Gi")
    task = kube.wait(
        "its end is told",
        "tasks",
        namespace,
        "hello",
        lambda task: condition(task, "HomeResized")["status"] == "True",
    )
    assert condition(task, "HomeResized")["message"] == "The home has 2Gi."


@pytest.mark.parametrize("storage_class", [False], indirect=True)
def test_a_home_that_cannot_grow_is_told_and_the_task_runs(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str, storage_class: str
) -> None:
    """K12."""
    paused_with_a_home_of_1_gib(kube, operator, kubelet, namespace, storage_class)
    resume(kube, kubelet, namespace, "shell-v2", 3)
    task = kube.wait(
        "the refusal is told",
        "tasks",
        namespace,
        "hello",
        lambda task: condition(task, "HomeResized")["reason"] == "ResizeRefused",
    )
    message = condition(task, "HomeResized")["message"]
    for part in ("stays at 1Gi", '"shell-v2" asks for 2Gi', "must support resize"):
        assert part in message
    kube.wait("the Task goes on", "tasks", namespace, "hello", phase_is("Initializing"))
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": True}})
    kube.wait("the Pod ends", "pods", namespace, "hello-3", lambda pod: "deletionTimestamp" in pod["metadata"])
    kubelet.remove("hello-3")
    kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    resume(kube, kubelet, namespace, "shell-v3", 5)
    kube.wait(
        "that it stays larger is told",
        "tasks",
        namespace,
        "hello",
        lambda task: condition(task, "HomeResized")["reason"] == "ShrinkNotSupported",
    )
    claim = kube.get("persistentvolumeclaims", namespace, "hello-home")
    assert claim is not None and claim["spec"]["resources"]["requests"]["storage"] == "1Gi"
    assert "Traceback" not in operator.log
