"""Outages that affect all Tasks: of the operator, the gateway, the node. Nothing else runs on the cluster meanwhile."""

from __future__ import annotations

import subprocess

import pytest

import manifests
from e2e.kubectl_namespace import KubectlNamespace, ready
from e2e.versions import version
from kube import phase_is
from localcluster import cluster

pytestmark = pytest.mark.alone

UNCOUNTED = "node.kubernetes.io/exclude-disruption"


def test_a_killed_operator_and_gateway_lose_nothing(shell: KubectlNamespace) -> None:
    shell.wait_state("Idle", build=1)
    shell.kubectl("delete", "pod", "--namespace=taskyard", "--all", "--grace-period=0", "--force", "--wait=false")
    shell.say("after", "echo after $((1 + 1)) kills")
    shell.wait_answer("after 2 kills", seconds=90)
    assert [pod["metadata"]["name"] for pod in shell.kube.list("pods", shell.name)] == ["hello-1"]
    said = [message["content"] for message in shell.messages() if message["role"] == "user"]
    assert said.count("echo after $((1 + 1)) kills") == 1


def test_deleting_a_task_without_an_operator_removes_all_its_children(shell: KubectlNamespace) -> None:
    shell.wait_state("Idle", build=1)
    shell.wait_answer("Hello from")
    shell.say("left", "echo left behind")
    shell.kube.wait("it is delivered", "taskinputs", shell.name, "left", phase_is("Delivered"))
    operator = ("deployment/taskyard-operator", "--namespace=taskyard")
    replicas = shell.kubectl("get", *operator, "-o", "jsonpath={.spec.replicas}")
    shell.kubectl("scale", *operator, "--replicas=0")
    try:
        shell.kubectl(
            "wait",
            "pod",
            "--namespace=taskyard",
            "--selector=app.kubernetes.io/component=operator",
            "--for=delete",
            "--timeout=60s",
        )
        shell.kubectl("delete", "task", "hello", "--timeout=60s")
        for plural, name in (
            ("pods", "hello-1"),
            ("persistentvolumeclaims", "hello-home"),
            ("workspacebuilds", "hello-1"),
            ("configmaps", "hello-snapshot"),
            ("taskinputs", "left"),
        ):
            shell.kube.wait_gone(plural, shell.name, name, seconds=90)
    finally:
        shell.kubectl("scale", *operator, f"--replicas={replicas}")
        shell.kubectl("rollout", "status", *operator, "--timeout=60s")


def test_a_lost_node_leaves_one_pod(ns: KubectlNamespace) -> None:
    """The kubelet stops: the Task is Unknown until its Pod is gone, never has a second Pod, then recovers."""
    tolerations = [
        {"key": f"node.kubernetes.io/{taint}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1}
        for taint in ("unreachable", "not-ready")
    ]
    ns.apply(version("shell-v1", pod={"tolerations": tolerations}), manifests.task(prompt=""))
    ns.wait_state("Idle")
    # When every node is lost, the node lifecycle controller suspects itself and evicts nothing. Our only node must not
    # count for that.
    ns.kubectl("label", "nodes", "--all", f"{UNCOUNTED}=")
    stop = cluster.inside("pkill", "-STOP", "-x", "kubelet")
    go_on = cluster.inside("pkill", "-CONT", "-x", "kubelet")
    subprocess.run(stop, check=True, timeout=30)
    try:
        task = ns.wait("it is unknown", lambda status: status.get("phase") == "Unknown", seconds=150)
        reason, message = ready(task["status"])
        assert reason == "PodLost" and "delete the Node" in message
        assert [pod["metadata"]["name"] for pod in ns.kube.list("pods", ns.name)] == ["hello-1"]
    finally:
        subprocess.run(go_on, check=True, timeout=30)
        ns.kubectl("label", "nodes", "--all", f"{UNCOUNTED}-")
    # While the node has its taint, a Pod that tolerates it for a second is evicted again.
    task = ns.wait(
        "it has recovered",
        lambda status: status["phase"] == "Active" and status["build"]["reason"] == "Recover",
        seconds=120,
    )
    (pod,) = ns.kube.list("pods", ns.name)
    assert pod["metadata"]["name"] == task["status"]["build"]["name"]
