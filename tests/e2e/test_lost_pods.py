"""Pods that are lost repeatedly: replaced after growing delays, and finally no longer. Disruptions do not count."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest

import manifests
from e2e.kubectl_namespace import KubectlNamespace, ready
from e2e.pod_loss import PodLoss
from e2e.versions import version


def test_a_pod_that_is_lost_repeatedly_is_replaced_after_growing_delays_and_finally_not(pod_loss: PodLoss) -> None:
    pod_loss.join(pod_loss.UNTIL)
    assert not pod_loss.failure, pod_loss.failure
    ns = pod_loss.ns
    task = ns.wait("it is in error", lambda status: status["phase"] == "Error")
    reason, message = ready(task["status"])
    assert reason == "BuildFailed"
    assert "The Pod was lost 6 times in a row" in message
    assert "Pause and resume the Task to try again" in message

    builds = sorted(ns.kube.list("workspacebuilds", ns.name), key=lambda build: build["spec"]["number"])
    assert [build["spec"]["reason"] for build in builds] == ["Initial"] + ["Recover"] * 5
    assert [build["status"]["phase"] for build in builds] == ["Succeeded"] * 5 + ["Failed"]
    made = [datetime.fromisoformat(build["metadata"]["creationTimestamp"]) for build in builds]
    lost = [pod_loss.lost_at[build["metadata"]["name"]] for build in builds]
    # Creation times are whole seconds. A delay counts from the previous build; a Pod may take longer to start.
    for number, least in enumerate((0, 10, 20, 40, 80)):
        due = made[number] + timedelta(seconds=least)
        assert made[number + 1] >= due - timedelta(seconds=1), (least, made, lost)
        assert made[number + 1] <= max(due, lost[number]) + timedelta(seconds=9), (least, made, lost)
    assert pod_loss.most_pods == 1

    ns.pause(True)
    ns.wait("it is paused", lambda status: status["phase"] == "Paused")
    ns.pause(False)
    ns.wait("it is active again", lambda status: status["phase"] == "Active" and status["build"]["number"] == 8)


def evict(ns: KubectlNamespace, pod: str) -> None:
    """What kubectl drain asks for."""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": ns.name}}
    ns.kube.request("POST", ns.kube.path("pods", ns.name, pod, "eviction"), body)


def wait_active(ns: KubectlNamespace, number: int) -> None:
    ns.wait(
        f"it is active in build {number}",
        lambda status: status.get("phase") == "Active" and status["build"]["number"] == number,
        seconds=90,
    )


def evict_in_turn(ns: KubectlNamespace, times: int, *, seconds: float) -> list[dict[str, str]]:
    """Evicts each Pod so long after it became active; returns how they ended."""
    for number in range(1, times + 1):
        wait_active(ns, number)
        time.sleep(seconds)
        evict(ns, f"hello-{number}")
    wait_active(ns, times + 1)
    builds = sorted(ns.kube.list("workspacebuilds", ns.name), key=lambda build: build["spec"]["number"])
    assert [build["spec"]["reason"] for build in builds] == ["Initial"] + ["Recover"] * times
    return [build["status"]["podEnd"] for build in builds[:-1]]


def test_evicted_pods_are_replaced_without_growing_delays(ns: KubectlNamespace) -> None:
    """K11"""
    ns.apply(version("shell-v1", agent={"command": ["cat"]}), manifests.task(prompt=""))
    ends = evict_in_turn(ns, 3, seconds=0)
    assert [end["reason"] for end in ends] == ["EvictionByEvictionAPI"] * 3
    builds = {build["metadata"]["name"]: build for build in ns.kube.list("workspacebuilds", ns.name)}
    made = [datetime.fromisoformat(builds[f"hello-{n}"]["metadata"]["creationTimestamp"]) for n in (3, 4)]
    # A second failed recovery would have to wait 20 s.
    assert made[1] - made[0] < timedelta(seconds=18), made


@pytest.mark.long
def test_six_evictions_half_a_minute_apart_end_active(ns: KubectlNamespace) -> None:
    """K11"""
    ns.apply(version("shell-v1", agent={"command": ["cat"]}), manifests.task(prompt=""))
    ends = evict_in_turn(ns, 6, seconds=30)
    assert [end["reason"] for end in ends] == ["EvictionByEvictionAPI"] * 6


@pytest.mark.long
def test_a_task_that_fills_its_disk_is_not_started_for_ever(ns: KubectlNamespace) -> None:
    """K11"""
    full = {"name": "full", "emptyDir": {"sizeLimit": "1Mi"}}
    fills = {
        "command": ["bash", "-c", "head -c 8M /dev/zero > /full/file; exec cat"],
        "volumeMounts": [{"name": "full", "mountPath": "/full"}],
    }
    ns.apply(version("shell-v1", agent=fills, pod={"volumes": [full]}), manifests.task(prompt=""))
    task = ns.wait("it is in error", lambda status: status.get("phase") == "Error", seconds=480)
    reason, message = ready(task["status"])
    assert reason == "BuildFailed"
    assert "The Pod was lost 6 times in a row (last: Evicted: " in message
