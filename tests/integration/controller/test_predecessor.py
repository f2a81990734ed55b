"""A Task that is deleted and created again without garbage collection: no controller manager runs here."""

from __future__ import annotations

import pytest

import manifests
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.controller.test_start import become_active
from kube import Kube, Object

KINDS = ("workspacebuilds", "persistentvolumeclaims", "pods")


def going(found: Object) -> bool:
    return "deletionTimestamp" in found["metadata"]


def owners(kube: Kube, plural: str, namespace: str) -> dict[str, str]:
    """The UID of each object's owner, by the object's name."""
    return {
        found["metadata"]["name"]: found["metadata"]["ownerReferences"][0]["uid"]
        for found in kube.list(plural, namespace)
    }


@pytest.mark.parametrize(
    "is_down", [pytest.param(False, id="while it runs"), pytest.param(True, id="while it is down")]
)
def test_the_objects_of_an_earlier_task_of_the_name_are_removed_and_nothing_else(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str, is_down: bool
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    former = kube.create("tasks", namespace, manifests.task())["metadata"]["uid"]
    neighbour = kube.create("tasks", namespace, manifests.task("hello-too"))["metadata"]["uid"]
    operator.start()
    become_active(kube, kubelet, namespace)
    kube.wait("the neighbour's Pod", "pods", namespace, "hello-too-1", lambda pod: True)
    if is_down:
        operator.kill()
        operator.wait_dead()
    kube.delete("tasks", namespace, "hello")
    for plural in KINDS:
        assert former in owners(kube, plural, namespace).values(), "nothing is garbage collected here"
    living = kube.create("tasks", namespace, manifests.task())["metadata"]["uid"]
    if is_down:
        operator.start()

    # The Pod uses the claim, so both must be removed; the test acts as the node and the claims' controller.
    kube.wait("the old Pod is deleted", "pods", namespace, "hello-1", going)
    kube.wait("the old claim is deleted", "persistentvolumeclaims", namespace, "hello-home", going)
    task = kube.get("tasks", namespace, "hello")
    assert task is not None and task["status"]["phase"] == "Pending"
    kubelet.remove("hello-1")
    kube.patch("persistentvolumeclaims", namespace, "hello-home", {"metadata": {"finalizers": None}})

    pod = kube.wait(
        "the new Pod", "pods", namespace, "hello-1", lambda pod: pod["metadata"]["ownerReferences"][0]["uid"] == living
    )
    assert not going(pod)
    become_active(kube, kubelet, namespace)
    for plural, suffix in zip(KINDS, ("-1", "-home", "-1"), strict=True):
        assert owners(kube, plural, namespace) == {f"hello{suffix}": living, f"hello-too{suffix}": neighbour}
        assert not any(map(going, kube.list(plural, namespace)))
    assert "Traceback" not in operator.log


def test_a_child_with_a_second_owner_is_kept(kube: Kube, operator: OperatorProcess, namespace: str) -> None:
    """Garbage collection would keep it too; here it is a claim that a user keeps with an own ConfigMap as its owner."""
    kube.create("templateversions", namespace, manifests.template_version())
    keeper = kube.create("configmaps", namespace, {"metadata": {"name": "keeper"}})["metadata"]["uid"]
    reference = {"apiVersion": "taskyard.dev/v1alpha1", "kind": "Task", "name": "hello", "uid": "former"}
    claim = {
        "metadata": {
            "name": "hello-home",
            "labels": {"taskyard.dev/task": "hello"},
            "ownerReferences": [
                reference | {"controller": True},
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "keeper", "uid": keeper},
            ],
        },
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    kube.create("persistentvolumeclaims", namespace, claim)
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    task = kube.wait(
        "the condition has the cause",
        "tasks",
        namespace,
        "hello",
        lambda t: any(c["reason"] == "NameConflict" for c in t["status"].get("conditions", ())),
    )
    assert task["status"]["phase"] == "Pending"
    found = kube.get("persistentvolumeclaims", namespace, "hello-home")
    assert found is not None and not going(found)
