"""Pause and resume at any moment, in any order: the last request counts, and there are never two Pods."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import manifests
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.controller.test_start import become_active
from kube import Kube, Object, phase_is

FLIPS = 100
FLIP_SECONDS = 10.0


class Node(threading.Thread):
    """Binds every Pod of Task hello, runs it and ends it, fast; counts how many exist at the same time."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        super().__init__(daemon=True)
        self._kube, self._namespace = kube, namespace
        self._kubelet = Kubelet(kube, namespace)
        self._ended = threading.Event()
        self.most = 0
        self.faults: list[str] = []

    def end(self) -> None:
        self._ended.set()
        self.join(10)

    def run(self) -> None:
        while not self._ended.wait(0.02):
            pods = self._kube.list("pods", self._namespace)
            self.most = max(self.most, len(pods))
            for pod in pods:
                try:
                    self._bring_on(pod)
                except AssertionError as error:
                    # Gone or changed since it was listed: the next list shows it.
                    self.faults.append(str(error))

    def _bring_on(self, pod: Object) -> None:
        name = pod["metadata"]["name"]
        if "deletionTimestamp" in pod["metadata"]:
            self._kubelet.remove(name)
        elif "nodeName" not in pod["spec"]:
            self._kubelet.bind(name)
        elif pod["status"]["phase"] == "Pending":
            build = self._kube.get("workspacebuilds", self._namespace, name)
            if build and build.get("status", {}).get("phase") == "Succeeded":
                self._kubelet.enroll("hello")
                self._kubelet.run(name, ready=True)


@contextmanager
def a_node(kube: Kube, namespace: str) -> Iterator[Node]:
    node = Node(kube, namespace)
    node.start()
    try:
        yield node
    finally:
        node.end()


def pause(kube: Kube, namespace: str, value: bool) -> None:
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": value}})


def story(kube: Kube, namespace: str) -> list[tuple[int, str, str]]:
    """Number, reason and phase of each build."""
    builds = sorted(kube.list("workspacebuilds", namespace), key=lambda build: build["spec"]["number"])
    return [(b["spec"]["number"], b["spec"]["reason"], b.get("status", {}).get("phase", "")) for b in builds]


@pytest.fixture
def begun(kube: Kube, operator: OperatorProcess, namespace: str) -> OperatorProcess:
    """A running operator, and a Task with its first Pod."""
    kube.create("templateversions", namespace, manifests.template_version())
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    kube.wait("the Pod is created", "pods", namespace, "hello-1", lambda pod: True)
    return operator


@pytest.mark.parametrize("last", [pytest.param(True, id="ends paused"), pytest.param(False, id="ends running")])
def test_flipped_a_hundred_times_in_ten_seconds_the_last_request_counts(
    kube: Kube, begun: OperatorProcess, namespace: str, last: bool
) -> None:
    with a_node(kube, namespace) as node:
        begin = time.monotonic()
        for flip in range(FLIPS):
            pause(kube, namespace, last if (FLIPS - 1 - flip) % 2 == 0 else not last)
            time.sleep(max(begin + (flip + 1) * FLIP_SECONDS / FLIPS - time.monotonic(), 0))
        kube.wait("the last request counts", "tasks", namespace, "hello", phase_is("Paused" if last else "Active"))
        time.sleep(1)
        task = kube.get("tasks", namespace, "hello")
        pods = kube.list("pods", namespace)
    assert task is not None
    assert task["status"]["phase"] == ("Paused" if last else "Active")
    assert node.most == 1, "two Pods at the same time"
    assert len(pods) == (0 if last else 1)
    numbers = [number for number, _, _ in story(kube, namespace)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert task["status"]["build"]["number"] == numbers[-1] and len(numbers) <= 10
    assert "Traceback" not in begun.log


def test_pausing_twice_stops_once(kube: Kube, begun: OperatorProcess, kubelet: Kubelet, namespace: str) -> None:
    become_active(kube, kubelet, namespace)
    pause(kube, namespace, True)
    pause(kube, namespace, True)
    kube.wait("the Pod is deleted", "pods", namespace, "hello-1", lambda pod: "deletionTimestamp" in pod["metadata"])
    pause(kube, namespace, True)
    kubelet.remove("hello-1")
    kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    # Requested again together with another change, which causes an event.
    kube.patch("tasks", namespace, "hello", {"spec": {"paused": True, "displayName": "Twice"}})
    kube.wait("the change was processed", "tasks", namespace, "hello", lambda t: t["status"]["displayName"] == "Twice")
    assert story(kube, namespace) == [(1, "Initial", "Succeeded"), (2, "ManualPause", "Succeeded")]


def test_a_pause_while_pending_cancels_the_start(kube: Kube, begun: OperatorProcess, namespace: str) -> None:
    pause(kube, namespace, True)
    kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    assert story(kube, namespace) == [(1, "Initial", "Canceled"), (2, "ManualPause", "Succeeded")]
    assert kube.list("pods", namespace) == []


def test_a_pause_while_initializing_stops_the_pod(
    kube: Kube, begun: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    kubelet.bind("hello-1")
    kube.wait("it initializes", "tasks", namespace, "hello", phase_is("Initializing"))
    pause(kube, namespace, True)
    kube.wait("the Pod is deleted", "pods", namespace, "hello-1", lambda pod: "deletionTimestamp" in pod["metadata"])
    kubelet.remove("hello-1")
    kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    assert story(kube, namespace) == [(1, "Initial", "Succeeded"), (2, "ManualPause", "Succeeded")]


def test_a_resume_during_the_stop_waits_for_its_end(
    kube: Kube, begun: OperatorProcess, kubelet: Kubelet, namespace: str
) -> None:
    become_active(kube, kubelet, namespace)
    pause(kube, namespace, True)
    kube.wait("the Pod is deleted", "pods", namespace, "hello-1", lambda pod: "deletionTimestamp" in pod["metadata"])
    pause(kube, namespace, False)
    time.sleep(1)
    task = kube.get("tasks", namespace, "hello")
    assert task is not None and task["status"]["phase"] == "Pausing"
    assert [pod["metadata"]["name"] for pod in kube.list("pods", namespace)] == ["hello-1"]
    # And a pause again, which is then withdrawn: the stop continues unaffected.
    pause(kube, namespace, True)
    pause(kube, namespace, False)
    kubelet.remove("hello-1")
    kube.wait("a new Pod", "pods", namespace, "hello-3", lambda pod: True)
    kubelet.bind("hello-3")
    kube.wait("it has started", "workspacebuilds", namespace, "hello-3", phase_is("Succeeded"))
    assert story(kube, namespace) == [
        (1, "Initial", "Succeeded"),
        (2, "ManualPause", "Succeeded"),
        (3, "Resume", "Succeeded"),
    ]


@pytest.mark.parametrize("phase", ["Pending", "Initializing", "Active"])
def test_a_resume_of_a_running_or_starting_task_creates_no_build(
    kube: Kube, begun: OperatorProcess, kubelet: Kubelet, namespace: str, phase: str
) -> None:
    if phase == "Initializing":
        kubelet.bind("hello-1")
        kube.wait("it initializes", "tasks", namespace, "hello", phase_is("Initializing"))
    if phase == "Active":
        become_active(kube, kubelet, namespace)
    change = {"metadata": {"annotations": {"taskyard.dev/resumed-at": "2026-01-01"}}, "spec": {"paused": False}}
    kube.patch("tasks", namespace, "hello", change)
    kube.wait(
        "the change was processed",
        "tasks",
        namespace,
        "hello",
        lambda t: t["status"].get("observedResumedAt") == "2026-01-01",
    )
    time.sleep(0.5)
    assert [(number, reason) for number, reason, _ in story(kube, namespace)] == [(1, "Initial")]
    task = kube.get("tasks", namespace, "hello")
    assert task is not None and task["status"]["phase"] == phase
    assert [pod["metadata"]["name"] for pod in kube.list("pods", namespace)] == ["hello-1"]


def test_a_pause_while_pending_that_is_withdrawn_leaves_one_pod(
    kube: Kube, begun: OperatorProcess, namespace: str
) -> None:
    """However far the pause had progressed by then."""
    pause(kube, namespace, True)
    pause(kube, namespace, False)
    with a_node(kube, namespace) as node:
        kube.wait("it is active", "tasks", namespace, "hello", phase_is("Active"))
    assert node.most == 1
    numbers = [number for number, _, _ in story(kube, namespace)]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) <= 3


def test_a_resume_from_an_error_starts_again(kube: Kube, operator: OperatorProcess, namespace: str) -> None:
    kube.patch_namespace(namespace, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}})
    version = manifests.template_version()
    version["spec"]["pod"]["spec"]["hostNetwork"] = True
    kube.create("templateversions", namespace, version)
    kube.create("tasks", namespace, manifests.task())
    operator.start()
    kube.wait("it is in error", "tasks", namespace, "hello", phase_is("Error"))
    # The cause is fixed; the Task stays in Error until somebody resumes it.
    kube.patch_namespace(namespace, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": None}}})
    pause(kube, namespace, True)
    kube.wait("the Task is paused", "tasks", namespace, "hello", phase_is("Paused"))
    pause(kube, namespace, False)
    kube.wait("a new Pod", "pods", namespace, "hello-3", lambda pod: True)
    assert [(number, reason) for number, reason, _ in story(kube, namespace)] == [
        (1, "Initial"),
        (2, "ManualPause"),
        (3, "Resume"),
    ]
