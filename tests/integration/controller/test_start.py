"""A start, and its result when the operator is killed between any two of its writes."""

from __future__ import annotations

import time
from functools import partial

import pytest

import manifests
from integration.controller.faultproxy import FaultProxy
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from kube import Kube, phase_is

# The first start in a namespace also creates the NetworkPolicy, right before the Pod.
WRITES_OF_A_START = 7
# The build is reserved, and the operator does not know it; the Pod is about to be created, and it exists.
STRUCK_EACH_TIME = ((1, "after"), (4, "before"), (4, "after"))


def become_active(kube: Kube, kubelet: Kubelet, namespace: str, name: str = "hello") -> None:
    """Acts as the node until the Task is Active."""
    kube.wait("the Pod is created", "pods", namespace, f"{name}-1", lambda pod: True)
    kubelet.bind(f"{name}-1")
    kube.wait("the build succeeds", "workspacebuilds", namespace, f"{name}-1", phase_is("Succeeded"))
    kube.wait("the Task initializes", "tasks", namespace, name, phase_is("Initializing"))
    kubelet.enroll(name)
    kubelet.run(f"{name}-1", ready=True)
    kube.wait("the Task is active", "tasks", namespace, name, phase_is("Active"))


def assert_one_pod_and_no_gap(kube: Kube, namespace: str) -> None:
    assert [pod["metadata"]["name"] for pod in kube.list("pods", namespace)] == ["hello-1"]
    assert [build["spec"]["number"] for build in kube.list("workspacebuilds", namespace)] == [1]
    (claim,) = kube.list("persistentvolumeclaims", namespace)
    assert claim["metadata"]["name"] == "hello-home"


def test_a_start_takes_seven_writes_and_an_active_task_none(
    kube: Kube, proxy: FaultProxy, operator: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    operator.start()
    operator.wait_ready()
    kube.wait("the version is validated", "templateversions", namespace, "shell-v1", lambda v: "status" in v)
    before = len(proxy.writes)
    kube.create("tasks", namespace, manifests.task())
    become_active(kube, kubelet, namespace)

    assert_one_pod_and_no_gap(kube, namespace)
    # Details of the status are written beside only while they last for two seconds.
    writes = proxy.writes[before:]
    assert WRITES_OF_A_START <= len(writes) <= WRITES_OF_A_START + 2, writes
    time.sleep(1)
    assert len(proxy.writes) == before + len(writes), "an idle Task causes writes"
    task = kube.get("tasks", namespace, "hello")
    assert task is not None
    assert "annotations" not in task["metadata"] and "finalizers" not in task["metadata"]
    assert "Traceback" not in operator.log


@pytest.mark.parametrize(
    ("write", "moment"),
    [
        pytest.param(write, moment, marks=[] if (write, moment) in STRUCK_EACH_TIME else [pytest.mark.long])
        for write in range(1, WRITES_OF_A_START + 1)
        for moment in ("before", "after")
    ],
)
def test_an_operator_killed_at_a_write_ends_with_one_pod_after_its_restart(
    kube: Kube,
    proxy: FaultProxy,
    operator: OperatorProcess,
    kubelet: Kubelet,
    namespace: str,
    write: int,
    moment: str,
) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    operator.start()
    operator.wait_ready()
    kube.wait("the version is validated", "templateversions", namespace, "shell-v1", lambda v: "status" in v)
    first = len(proxy.writes)
    struck: list[str] = []

    def strike(number: int, when: str, line: str) -> bool:
        if number == first + write and when == moment:
            operator.kill()
            struck.append(line)
            return moment == "before"
        return False

    proxy.hook = strike
    kube.create("tasks", namespace, manifests.task())
    # A write may be needed twice; then the operator is killed earlier.
    if write > 5:
        made = partial(kube.get, "pods", namespace, "hello-1")
        kube.wait("the Pod is created", "tasks", namespace, "hello", lambda task: bool(struck or made()))
        if made():
            kubelet.bind("hello-1")
    if write > 7:
        initializes = phase_is("Initializing")
        kube.wait("the Task initializes", "tasks", namespace, "hello", lambda task: struck or initializes(task))
        kubelet.enroll("hello")
        kubelet.run("hello-1", ready=True)
    operator.wait_dead()
    assert len(struck) == 1, proxy.writes
    proxy.hook = None

    operator.start()
    operator.wait_ready()
    kube.wait("the Pod exists", "pods", namespace, "hello-1", lambda pod: True)
    pod = kube.get("pods", namespace, "hello-1")
    assert pod is not None
    if "nodeName" not in pod["spec"]:
        kubelet.bind("hello-1")
    kube.wait("the build succeeds", "workspacebuilds", namespace, "hello-1", phase_is("Succeeded"))
    kubelet.enroll("hello")
    kubelet.run("hello-1", ready=True)
    kube.wait("the Task is active", "tasks", namespace, "hello", phase_is("Active"))
    assert_one_pod_and_no_gap(kube, namespace)
    assert "Traceback" not in operator.log
