"""Namespaces with quotas and LimitRanges on a real node: Tasks fit, wait for room, and say what is not kept."""

from __future__ import annotations

import time
from typing import Any

import manifests
from e2e.kubectl_namespace import KubectlNamespace, ready
from e2e.versions import version

Object = dict[str, Any]

AGENT = {
    "requests": {"cpu": "100m", "memory": "64Mi"},
    "limits": {"cpu": "500m", "memory": "256Mi"},
}


def quota(**hard: str) -> Object:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": hard}}


def with_home(size: str, **changes: Any) -> Object:
    made = version("shell-v1", **changes)
    made["spec"]["home"] = {"size": size}
    return made


def wait_counted(ns: KubectlNamespace, made: Object) -> None:
    hard = made["spec"]["hard"]
    ns.kube.wait("it is counted", "resourcequotas", ns.name, "few", lambda q: q.get("status", {}).get("hard") == hard)


def stored(status: Object) -> Object:
    """The condition ConversationStored; empty when there is none."""
    return next((c for c in status.get("conditions", ()) if c["type"] == "ConversationStored"), {})


def test_a_task_in_a_narrow_namespace_runs_and_says_that_its_conversation_is_not_kept(ns: KubectlNamespace) -> None:
    """K5, K13."""
    limits = {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "least"},
        "spec": {"limits": [{"type": "Container", "min": {"cpu": "50m", "memory": "64Mi"}}]},
    }
    # The namespace's own ConfigMap with the cluster's certificates is the one.
    ns.kube.wait("the namespace has it", "configmaps", ns.name, "kube-root-ca.crt", lambda found: True)
    narrow = quota(**{"limits.cpu": "2", "limits.memory": "2Gi", "count/configmaps": "1"})
    ns.apply(narrow, limits)
    wait_counted(ns, narrow)
    ns.apply(with_home("100Mi", agent={"resources": AGENT}))
    ns.apply(manifests.task(prompt="echo first $((1 + 1))"))
    ns.wait_state("Idle")
    pod = ns.kube.get("pods", ns.name, "hello-1")
    assert pod is not None
    sidecar = pod["spec"]["initContainers"][0]["resources"]
    assert (sidecar["requests"]["cpu"], sidecar["limits"]["cpu"]) == ("50m", "250m")

    ns.wait("it says so", lambda status: stored(status).get("status") == "False")
    ns.pause(True)
    task = ns.wait("it is paused", lambda status: status["phase"] == "Paused")
    condition = stored(task["status"])
    assert condition["reason"] == "QuotaExceeded"
    assert "exceeded quota: few, requested: count/configmaps=1" in condition["message"]
    assert "ConversationStored" in ns.kubectl("describe", "tasks.taskyard.dev", "hello")

    ns.apply(quota(**{"limits.cpu": "2", "limits.memory": "2Gi", "count/configmaps": "5"}))
    ns.pause(False)
    ns.wait("it is stored", lambda status: stored(status).get("status") == "True")
    found = ns.kube.get("configmaps", ns.name, "hello-snapshot")
    assert found is not None and "first 2" in found["data"]["log.txt"]


def test_a_home_waits_for_room_in_the_quota_and_goes_on_within_seconds(ns: KubectlNamespace) -> None:
    """K1."""
    small = quota(**{"requests.storage": "500Mi"})
    ns.apply(small)
    wait_counted(ns, small)
    ns.apply(with_home("1Gi", agent={"command": ["cat"]}), manifests.task(prompt=""))
    task = ns.wait("it says so", lambda status: ready(status)[0] == "QuotaExceeded")
    assert "exceeded quota: few, requested: requests.storage=1Gi" in ready(task["status"])[1]
    ns.apply(quota(**{"requests.storage": "5Gi"}))
    began = time.monotonic()
    ns.kube.wait("it goes on", "pods", ns.name, "hello-1", lambda pod: True)
    assert time.monotonic() - began < 8, "five seconds, and the time that the quota takes to be counted"
