"""What a Task costs, as far as that is the same at each run: calls, writes, and memory beside the largest objects."""

from __future__ import annotations

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import manifests
import plainhttp
from bench import usage
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.controller.test_start import become_active
from kube import Kube, phase_is

LARGEST = 120
# Every character is four bytes of UTF-8.
CONTENT = "\N{GRINNING FACE}" * 60_000


def calls(operator: OperatorProcess) -> Counter[str]:
    """The operator's requests to the API server so far, by verb, without watches."""
    text = plainhttp.get(f"{operator.address}/metrics").raise_for_status().text
    found: Counter[str] = Counter()
    for verb, value in re.findall(r'^taskyard_api_requests_total\{.*verb="(\w+)"\} (\S+)$', text, re.MULTILINE):
        found[verb] += int(float(value)) if verb != "WATCH" else 0
    return found


def events(kube: Kube, namespace: str) -> list[str]:
    found = kube.request("GET", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events")["items"]
    return sorted(event["reason"] for event in found)


def test_a_start_takes_seven_calls_and_two_events_and_a_pause_six(
    kube: Kube, kubeconfig: Path, tmp_path: Path, namespace: str, kubelet: Kubelet
) -> None:
    operator = OperatorProcess(kubeconfig, tmp_path, namespace=namespace, TASKYARD_LEADER_ELECTION="false")
    kube.create("templateversions", namespace, manifests.template_version())
    operator.start()
    try:
        operator.wait_ready()
        kube.wait("the version is validated", "templateversions", namespace, "shell-v1", lambda v: "status" in v)
        # The namespace has its NetworkPolicy with its first Task.
        kube.create("tasks", namespace, manifests.task("first"))
        become_active(kube, kubelet, namespace, "first")
        time.sleep(2)

        before, told = calls(operator), len(events(kube, namespace))
        kube.create("tasks", namespace, manifests.task("second"))
        become_active(kube, kubelet, namespace, "second")
        time.sleep(2)
        spent, new = calls(operator) - before, len(events(kube, namespace)) - told
        assert new == 2, events(kube, namespace)
        # Two Events are two calls; details of the status that last for two seconds are one each.
        assert 7 <= spent.total() - new <= 9, spent

        before, told = calls(operator), len(events(kube, namespace))
        kube.patch("tasks", namespace, "second", {"spec": {"paused": True}})
        kube.wait("its Pod is stopped", "workspacebuilds", namespace, "second-2", lambda build: True)
        kubelet.remove("second-1")
        kube.wait("it is paused", "tasks", namespace, "second", phase_is("Paused"))
        time.sleep(2)
        spent, new = calls(operator) - before, len(events(kube, namespace)) - told
        assert new == 2, events(kube, namespace)
        # Reservation, build, deletion of the Pod and a look at it, the build's end, the status.
        assert spent.total() - new <= 7, spent

        before = calls(operator)
        time.sleep(3)
        assert calls(operator) == before, "at rest a Task costs no call"
    finally:
        operator.kill()


def test_a_start_beside_the_largest_inputs_takes_no_more_memory_than_a_page(
    kube: Kube, kubeconfig: Path, tmp_path: Path, namespace: str
) -> None:
    """A namespace full of 240 KB inputs: the operator reads none of their content before it is delivered."""
    alone = OperatorProcess(kubeconfig, tmp_path, namespace=namespace, TASKYARD_LEADER_ELECTION="false")
    alone.start()
    alone.wait_ready()
    idle = usage.peak(alone.pid)
    alone.kill()
    alone.wait_dead()

    def create(number: int) -> None:
        kube.create("taskinputs", namespace, manifests.task_input(f"large-{number}", CONTENT, task="nobody"))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(create, range(LARGEST)))
    operator = OperatorProcess(kubeconfig, tmp_path, namespace=namespace, TASKYARD_LEADER_ELECTION="false")
    operator.start()
    try:
        operator.wait_ready()
        operator.wait_log("started:")
        peak = usage.peak(operator.pid)
    finally:
        operator.kill()
    # All of them are 29 MB as JSON, and were some 70 MB in memory.
    assert peak - idle <= 25, f"{peak:.0f} MB beside {idle:.0f} MB without them"
