"""A namespace's NetworkPolicy for Tasks: created before the first Pod, kept correct, removed with the last Task."""

from __future__ import annotations

import time
from typing import Any

import manifests
from integration.controller.faultproxy import FaultProxy
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from kube import Kube, phase_is

NAME = "taskyard-tasks"
Object = dict[str, Any]


def test_it_is_created_before_the_first_pod_and_once_for_all_tasks(
    kube: Kube, proxy: FaultProxy, operator: OperatorProcess, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    for name in ("one", "two", "three"):
        kube.create("tasks", namespace, manifests.task(name))
    operator.start()
    for name in ("one", "two", "three"):
        kube.wait("it has a Pod", "pods", namespace, f"{name}-1", lambda pod: True)
    writes = [line for line in proxy.writes if line.endswith(("/networkpolicies", "/pods"))]
    assert [line.rpartition("/")[2] for line in writes] == ["networkpolicies", "pods", "pods", "pods"]
    policy = kube.get("networkpolicies", namespace, NAME)
    assert policy is not None
    assert policy["spec"]["podSelector"] == {"matchExpressions": [{"key": "taskyard.dev/task", "operator": "Exists"}]}
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_it_is_restored_after_any_change(
    kube: Kube, proxy: FaultProxy, operator: OperatorProcess, namespace: str
) -> None:
    kube.create("tasks", namespace, manifests.task(paused=True))
    operator.start()
    made = kube.wait("it is created", "networkpolicies", namespace, NAME, lambda policy: True)

    def is_right(policy: Object) -> bool:
        labels = policy["metadata"].get("labels", {})
        return policy["spec"] == made["spec"] and labels == made["metadata"]["labels"]

    for broken in (
        {"spec": {"ingress": [{}], "egress": [{}]}},
        {"spec": {"podSelector": {"matchLabels": {"only": "these"}}}},
        {"spec": {"policyTypes": ["Ingress"], "egress": None}},
        {"metadata": {"labels": None}},
    ):
        kube.patch("networkpolicies", namespace, NAME, broken)
        kube.wait("it is restored", "networkpolicies", namespace, NAME, is_right)
    kube.delete("networkpolicies", namespace, NAME)
    kube.wait("it exists again", "networkpolicies", namespace, NAME, is_right)
    before = len(proxy.writes)
    kube.patch("networkpolicies", namespace, NAME, {"metadata": {"annotations": {"a": "note"}}})
    time.sleep(1)
    assert len(proxy.writes) == before, "an additional annotation caused a write"
    assert "Traceback" not in operator.log


def test_it_stays_until_the_last_pod_is_gone(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    kube.wait("it has a Pod", "pods", namespace, "hello-1", lambda pod: True)
    kubelet.bind("hello-1")
    kube.wait("the build succeeds", "workspacebuilds", namespace, "hello-1", phase_is("Succeeded"))
    # Nothing is garbage collected here: the Pod remains, like a real one that takes long to terminate.
    kube.delete("tasks", namespace, "hello")
    time.sleep(1)
    assert kube.get("networkpolicies", namespace, NAME) is not None
    kubelet.remove("hello-1")
    kube.wait_gone("networkpolicies", namespace, NAME)


def test_changes_made_while_no_operator_ran_are_reverted(
    kube: Kube, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("tasks", namespace, manifests.task(paused=True))
    operator.start()
    made = kube.wait("it is created", "networkpolicies", namespace, NAME, lambda policy: True)
    operator.kill()
    operator.wait_dead()
    kube.patch("networkpolicies", namespace, NAME, {"spec": {"ingress": [{}]}})
    operator.start()
    kube.wait("it is restored", "networkpolicies", namespace, NAME, lambda p: p["spec"] == made["spec"])
    operator.kill()
    operator.wait_dead()
    kube.delete("tasks", namespace, "hello")
    operator.start()
    kube.wait_gone("networkpolicies", namespace, NAME)


def test_an_existing_policy_of_the_name_is_taken_over(kube: Kube, operator: OperatorProcess, namespace: str) -> None:
    own = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": NAME},
        "spec": {"podSelector": {}},
    }
    kube.create("networkpolicies", namespace, own)
    kube.create("tasks", namespace, manifests.task(paused=True))
    operator.start()
    kube.wait("it is correct", "networkpolicies", namespace, NAME, lambda p: len(p["spec"].get("egress", ())) == 3)


def test_there_is_none_when_disabled(
    kube: Kube, proxy: FaultProxy, namespace: str, tmp_path: Any, kubelet: Kubelet
) -> None:
    operator = OperatorProcess(proxy.kubeconfig, tmp_path, namespace=namespace, TASKYARD_NETWORK_POLICY="false")
    try:
        kube.create("templateversions", namespace, manifests.template_version())
        kube.create("tasks", namespace, manifests.task())
        operator.start()
        kube.wait("it has a Pod", "pods", namespace, "hello-1", lambda pod: True)
        assert kube.list("networkpolicies", namespace) == []
        assert not [line for line in proxy.writes if "networkpolicies" in line]
    finally:
        operator.kill()
