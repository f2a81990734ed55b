"""Imperfect clusters: objects applied in any order, foreign objects, broken watches."""

from __future__ import annotations

import time

import pytest

import manifests
from integration.controller.faultproxy import FaultProxy
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.controller.test_start import become_active
from kube import Kube, condition, phase_is, ready_because


def test_a_task_waits_for_its_template_version_and_starts_when_it_exists(
    kube: Kube, operator: OperatorProcess, namespace: str
) -> None:
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    task = kube.wait(
        "it waits", "tasks", namespace, "hello", lambda t: condition(t, "TemplateResolved")["status"] == "False"
    )
    assert condition(task, "TemplateResolved")["reason"] == "TemplateVersionNotFound"
    assert 'no TemplateVersion "shell-v1"' in condition(task, "Ready")["message"]
    kube.create("templateversions", namespace, manifests.template_version())
    kube.wait("the Pod", "pods", namespace, "hello-1", lambda pod: True)


def test_a_version_without_agent_cannot_run_tasks(kube: Kube, operator: OperatorProcess, namespace: str) -> None:
    version = manifests.template_version()
    del version["spec"]["agent"]
    kube.create("templateversions", namespace, version)
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    task = kube.wait(
        "the condition has the cause",
        "tasks",
        namespace,
        "hello",
        ready_because("NoAgent"),
    )
    assert "has no spec.agent" in condition(task, "Ready")["message"]


def test_an_unowned_pod_is_never_adopted(kube: Kube, operator: OperatorProcess, namespace: str) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "hello-1"},
        "spec": {"containers": [{"name": "web", "image": "web"}]},
    }
    kube.create("pods", namespace, pod)
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    task = kube.wait(
        "the condition has the cause",
        "tasks",
        namespace,
        "hello",
        ready_because("NameConflict"),
    )
    assert "Pod hello-1 exists and is not this Task's" in condition(task, "Ready")["message"]
    found = kube.get("pods", namespace, "hello-1")
    assert found is not None and "ownerReferences" not in found["metadata"]


def test_a_lost_pod_is_replaced_by_a_recovery(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    become_active(kube, kubelet, namespace)
    kubelet.remove("hello-1")
    kube.wait("a new Pod", "pods", namespace, "hello-2", lambda pod: True)
    build = kube.get("workspacebuilds", namespace, "hello-2")
    assert build is not None and build["spec"]["reason"] == "Recover"


def test_a_refused_pod_fails_the_build_with_the_cause(kube: Kube, operator: OperatorProcess, namespace: str) -> None:
    kube.patch_namespace(namespace, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    version = manifests.template_version()
    version["spec"]["pod"]["spec"]["hostNetwork"] = True
    kube.create("templateversions", namespace, version)
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    task = kube.wait("it is in error", "tasks", namespace, "hello", phase_is("Error"))
    assert condition(task, "Ready")["reason"] == "BuildFailed"
    assert "violates PodSecurity" in condition(task, "Ready")["message"]
    assert "hostNetwork" in condition(task, "Stalled")["message"]
    found = kube.wait("the version too", "templateversions", namespace, "shell-v1", lambda v: "status" in v)
    assert condition(found, "Valid")["status"] == "False"


@pytest.mark.parametrize(
    ("plural", "code"),
    [
        pytest.param("tasks", 500, id="tasks-kopf-gives-up"),
        pytest.param("pods", 410, id="pods-too-old"),
        pytest.param("tasks", 410, id="tasks-too-old", marks=pytest.mark.long),
        pytest.param("pods", 500, id="pods-fault", marks=pytest.mark.long),
        pytest.param("workspacebuilds", 410, id="workspacebuilds-too-old", marks=pytest.mark.long),
        pytest.param("workspacebuilds", 500, id="workspacebuilds-fault", marks=pytest.mark.long),
    ],
)
def test_a_broken_watch_is_started_again(
    kube: Kube, proxy: FaultProxy, operator: OperatorProcess, namespace: str, plural: str, code: int
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    operator.start()
    operator.wait_ready()
    kube.create("tasks", namespace, manifests.task("first"))
    kube.wait("the first Pod", "pods", namespace, "first-1", lambda pod: True)
    assert proxy.break_watches(plural, code) >= 1
    kube.create("tasks", namespace, manifests.task("second"))
    kube.wait("the second Pod", "pods", namespace, "second-1", lambda pod: True)
    # Changes from while the watch was down are seen too: the first Task's Pod gets its node.
    Kubelet(kube, namespace).bind("first-1")
    kube.wait("the first build", "workspacebuilds", namespace, "first-1", phase_is("Succeeded"))
    assert "Traceback" not in operator.log
    if (plural, code) == ("tasks", 500):
        # And not merely by a list that happened to be due.
        operator.wait_log("kopf's watches ended")


def test_an_api_server_that_does_not_serve_the_kinds_yet_is_asked_again(
    kube: Kube, proxy: FaultProxy, operator: OperatorProcess, namespace: str
) -> None:
    proxy.is_young = True
    operator.start()
    operator.wait_log("the API server does not serve tasks, templates, templateversions yet")
    proxy.is_young = False
    # Nothing else would reveal these for the next ten minutes.
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    kube.wait("the Pod", "pods", namespace, "hello-1", lambda pod: True)
    assert "Traceback" not in operator.log and "Unresolved resources" not in operator.log


def test_a_version_deleted_while_the_watch_was_down_is_not_used(
    kube: Kube, proxy: FaultProxy, operator: OperatorProcess, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version("shell-v1"))
    kube.create("templateversions", namespace, manifests.template_version("shell-v2"))
    operator.start()
    operator.wait_ready()
    kube.wait("it is known", "templateversions", namespace, "shell-v1", lambda v: "status" in v)
    kube.wait("it is known", "templateversions", namespace, "shell-v2", lambda v: "status" in v)
    time.sleep(1)
    proxy.refused.add("templateversions")
    assert proxy.break_watches("templateversions", 410) >= 1
    kube.delete("templateversions", namespace, "shell-v1")
    proxy.refused.clear()
    # kopf lists again and never reports DELETED; the list that follows here does.
    kube.wait("kopf lists", "templateversions", namespace, "shell-v2", lambda v: True)
    time.sleep(6)
    kube.create("tasks", namespace, manifests.task())
    task = kube.wait("it waits", "tasks", namespace, "hello", lambda t: condition(t, "TemplateResolved")["status"])
    assert condition(task, "TemplateResolved")["status"] == "False"


def test_the_operator_ends_cleanly(operator: OperatorProcess) -> None:
    operator.start()
    operator.wait_ready()
    assert operator.stop() == 0
    assert "Traceback" not in operator.log
