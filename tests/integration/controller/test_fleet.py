"""What a Task costs, as far as that is the same at each run: calls, writes, and memory beside the largest objects."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import manifests
import plainhttp
from bench import usage
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.controller.test_start import become_active
from kube import Kube, Object, phase_is

# Starts and pauses, and what of their calls is tolerated: docs/performance.md has the figures of many runs.
MEASURED, TOLERATED = 5, 1.2
# Every character is four bytes of UTF-8.
CONTENT = "\N{GRINNING FACE}" * 60_000
PARAMETERS = [{"name": f"p{number}", "value": "x" * 8_192} for number in range(8)]
DECLARED = [{"name": f"p{number}", "type": "string", "pattern": "[0-9]+"} for number in range(8)]


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
    """On average of several: there are two more where the operator's write of a build meets the gateway's (a conflict,
    and a read of the newest state), and one more where a busy machine leaves a detail of the status for two seconds."""
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

        names = [f"task-{number}" for number in range(MEASURED)]
        before, told = calls(operator), len(events(kube, namespace))
        for name in names:
            kube.create("tasks", namespace, manifests.task(name))
            become_active(kube, kubelet, namespace, name)
        time.sleep(2)
        spent, new = calls(operator) - before, len(events(kube, namespace)) - told
        assert new == 2 * MEASURED, events(kube, namespace)
        # Two Events are two calls.
        assert 7 <= (spent.total() - new) / MEASURED <= 7 * TOLERATED, spent

        before, told = calls(operator), len(events(kube, namespace))
        for name in names:
            kube.patch("tasks", namespace, name, {"spec": {"paused": True}})
            kube.wait("its Pod is stopped", "workspacebuilds", namespace, f"{name}-2", lambda build: True)
            kubelet.remove(f"{name}-1")
            kube.wait("it is paused", "tasks", namespace, name, phase_is("Paused"))
        time.sleep(2)
        spent, new = calls(operator) - before, len(events(kube, namespace)) - told
        assert new == 2 * MEASURED, events(kube, namespace)
        # Reservation, build, deletion of the Pod and a look at it, the build's end, the status.
        assert 6 <= (spent.total() - new) / MEASURED <= 6 * TOLERATED, spent

        before = calls(operator)
        time.sleep(3)
        assert calls(operator) == before, "at rest a Task costs no call"
    finally:
        operator.kill()


def large_input(number: int) -> tuple[str, Object]:
    return "taskinputs", manifests.task_input(f"large-{number}", CONTENT, task="nobody")


def large_task(number: int) -> tuple[str, Object]:
    # What it chooses does not match, so it is looked at, and waits.
    return "tasks", manifests.task(f"large-{number}", parameters=PARAMETERS)


@pytest.mark.parametrize(
    ("make", "count", "most"),
    [
        # All of them are 29 MB as JSON, and were some 70 MB in memory. A page may be 12 MiB, and there may be two.
        pytest.param(large_input, 120, 40, id="inputs of 240 KB"),
        # 41 MB, and were as much in memory.
        pytest.param(large_task, 600, 30, id="Tasks with parameters of 64 KiB"),
    ],
)
def test_a_start_beside_the_largest_objects_takes_no_more_memory_than_a_page(
    kube: Kube,
    kubeconfig: Path,
    tmp_path: Path,
    namespace: str,
    make: Callable[[int], tuple[str, Object]],
    count: int,
    most: int,
) -> None:
    """The operator reads no content before it is delivered, and keeps no large parameters."""
    alone = OperatorProcess(kubeconfig, tmp_path, namespace=namespace, TASKYARD_LEADER_ELECTION="false")
    alone.start()
    alone.wait_ready()
    idle = usage.peak(alone.pid)
    alone.kill()
    alone.wait_dead()

    kube.create("templateversions", namespace, manifests.template_version(parameters=DECLARED))

    def create(number: int) -> None:
        plural, manifest = make(number)
        kube.create(plural, namespace, manifest)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(create, range(count)))
    operator = OperatorProcess(kubeconfig, tmp_path, namespace=namespace, TASKYARD_LEADER_ELECTION="false")
    operator.start()
    try:
        operator.wait_ready()
        operator.wait_log("started:")
        if make is large_task:
            kube.wait("one is looked at", "tasks", namespace, "large-0", told("ParameterInvalid"), seconds=60)
        time.sleep(3)
        peak = usage.peak(operator.pid)
    finally:
        operator.kill()
    assert peak - idle <= most, f"{peak:.0f} MB beside {idle:.0f} MB without them"


def told(reason: str) -> Callable[[Object], bool]:
    """Whether a Task's condition TemplateResolved has this reason."""
    return lambda task: any(
        found["type"] == "TemplateResolved" and found["reason"] == reason
        for found in task.get("status", {}).get("conditions", ())
    )
