"""Pause and resume, against the real API server."""

from __future__ import annotations

import manifests
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.controller.test_start import become_active
from kube import Kube, phase_is


def paused(value: bool) -> dict[str, object]:
    return {"spec": {"paused": value}}


def test_a_task_is_paused_and_resumed_with_its_claim(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    become_active(kube, kubelet, namespace)

    kube.patch("tasks", namespace, "hello", paused(True))
    kube.wait("the Task pauses", "tasks", namespace, "hello", phase_is("Pausing"))
    kube.wait("the Pod is deleted", "pods", namespace, "hello-1", lambda pod: "deletionTimestamp" in pod["metadata"])
    kubelet.remove("hello-1")
    task = kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    assert task["status"]["pausedReason"] == "Manual"
    assert task["spec"]["paused"] is True
    assert kube.get("persistentvolumeclaims", namespace, "hello-home") is not None

    kube.patch("tasks", namespace, "hello", paused(False))
    pod = kube.wait("a new Pod", "pods", namespace, "hello-3", lambda pod: True)
    claims = [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    assert claims == ["hello-home"]
    builds = sorted(kube.list("workspacebuilds", namespace), key=lambda build: build["spec"]["number"])
    assert [(build["spec"]["number"], build["spec"]["reason"]) for build in builds] == [
        (1, "Initial"),
        (2, "ManualPause"),
        (3, "Resume"),
    ]


def test_a_task_created_paused_has_no_build_until_it_is_resumed(
    kube: Kube, operator: OperatorProcess, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task(paused=True))
    operator.start()
    kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    assert kube.list("workspacebuilds", namespace) == []
    kube.patch("tasks", namespace, "hello", paused(False))
    kube.wait("the Pod", "pods", namespace, "hello-1", lambda pod: True)


def test_a_task_paused_while_it_starts_ends_paused(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    kube.wait("the Pod", "pods", namespace, "hello-1", lambda pod: True)
    kube.patch("tasks", namespace, "hello", paused(True))
    # The API server removes a Pod without a node immediately.
    kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    assert kube.list("pods", namespace) == []


def test_a_prompt_changes_only_while_the_task_is_paused(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    become_active(kube, kubelet, namespace)
    change = {"spec": {"prompt": "echo changed"}}
    refused = kube.refusal("PATCH", kube.path("tasks", namespace, "hello"), change)
    assert "Unable to update task input, task must be paused." in refused

    kube.patch("tasks", namespace, "hello", paused(True))
    kube.wait("the Pod is deleted", "pods", namespace, "hello-1", lambda pod: "deletionTimestamp" in pod["metadata"])
    kubelet.remove("hello-1")
    kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    kube.patch("tasks", namespace, "hello", change)
    kube.patch("tasks", namespace, "hello", paused(False))
    build = kube.wait("a build", "workspacebuilds", namespace, "hello-3", lambda build: True)
    first = kube.get("workspacebuilds", namespace, "hello-1")
    assert first is not None
    assert build["spec"]["promptSHA256"] != first["spec"]["promptSHA256"]


def test_an_idle_task_pauses_by_itself_and_an_input_wakes_it(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    """5-idle."""
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task(idleTimeout="1s"))
    operator.start()
    become_active(kube, kubelet, namespace)
    state = {"state": "Idle", "message": "", "timestamp": "2026-01-01T00:00:00Z", "build": 1}
    kube.patch("tasks", namespace, "hello", {"status": {"state": state}}, subresource="status")
    kube.wait("the Pod is deleted", "pods", namespace, "hello-1", lambda pod: "deletionTimestamp" in pod["metadata"])
    kubelet.remove("hello-1")
    task = kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    assert task["status"]["pausedReason"] == "IdleTimeout"
    assert task["spec"].get("paused", False) is False
    build = kube.get("workspacebuilds", namespace, "hello-2")
    assert build is not None and build["spec"]["reason"] == "AutoPause"

    kube.create("taskinputs", namespace, manifests.task_input("wake", "go on", resume=True))
    kube.wait("a new Pod", "pods", namespace, "hello-3", lambda pod: True)
    found = kube.wait(
        "the input is owned", "taskinputs", namespace, "wake", lambda i: i["metadata"].get("ownerReferences")
    )
    assert found["status"]["phase"] == "Queued"
