"""Queues of inputs that are full, against a real API server."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import manifests
import plainhttp
from integration.controller.operatorprocess import OperatorProcess
from kube import Kube, Object

SMALL = {"TASKYARD_MAX_QUEUED_PER_TASK": "5", "TASKYARD_MAX_QUEUED_PER_NAMESPACE": "12"}


@pytest.fixture
def bounded(kube: Kube, kubeconfig: Path, namespace: str, tmp_path: Path) -> OperatorProcess:
    """An operator with small bounds, not started yet; it removes what has ended after 20 s."""
    return OperatorProcess(kubeconfig, tmp_path, namespace=namespace, **SMALL, TASKYARD_INPUT_RETENTION="20s")


def flood(kube: Kube, namespace: str, number: int, *, task: str = "hello", name: str = "i") -> None:
    """Creates inputs one after the other, so that their order is known."""
    for place in range(number):
        kube.create("taskinputs", namespace, manifests.task_input(f"{name}{place:02}", "go on", task=task))


def settled(
    kube: Kube, namespace: str, holds: Callable[[dict[str, Object]], bool], *, seconds: float = 45
) -> dict[str, Object]:
    """The inputs by name, once `holds` is true of them."""
    end = time.monotonic() + seconds
    while True:
        found = {entry["metadata"]["name"]: entry for entry in kube.list("taskinputs", namespace)}
        if holds(found):
            return found
        assert time.monotonic() < end, Counter(str(entry["status"]) for entry in found.values())
        time.sleep(0.1)


def placed(found: dict[str, Object]) -> list[str]:
    """The names of those that wait in line."""
    return sorted(
        n for n, entry in found.items() if entry["status"]["phase"] == "Queued" and "order" in entry["status"]
    )


def rejected(found: dict[str, Object]) -> list[str]:
    return sorted(name for name, entry in found.items() if entry["status"]["phase"] == "Rejected")


def queued(kube: Kube) -> int:
    """How many inputs wait in all namespaces: those of earlier tests are there too."""
    found = kube.request("GET", "/apis/taskyard.dev/v1alpha1/taskinputs")["items"]
    return sum(entry["status"]["phase"] == "Queued" for entry in found)


def metrics(of: OperatorProcess) -> list[str]:
    """The lines of an operator's metrics."""
    return plainhttp.get(f"{of.address}/metrics").text.splitlines()


def test_what_finds_the_queue_full_is_rejected_with_the_reason_and_soon_removed(
    kube: Kube, namespace: str, bounded: OperatorProcess
) -> None:
    """Its name may come again then, and there is room for it when some have gone."""
    kube.create("tasks", namespace, manifests.task(paused=True))
    flood(kube, namespace, 8)
    bounded.start()
    try:
        first = [f"i{place:02}" for place in range(5)]
        found = settled(kube, namespace, lambda found: len(rejected(found)) == 3 and len(placed(found)) == 5)
        assert placed(found) == first
        status = found["i07"]["status"]
        assert status["reason"] == "QueueFull"
        assert status["message"].startswith('The queue of Task "hello" is full: 5 messages wait for its agent')
        assert "ownerReferences" not in found["i07"]["metadata"]
        answer = manifests.task_input("yes", "yes", answers="q-1", resume=True)
        kube.create("taskinputs", namespace, answer)
        found = settled(kube, namespace, lambda found: "order" in found.get("yes", {"status": {}})["status"])
        assert found["yes"]["status"]["phase"] == "Queued", "an answer has a line of its own"
        found = settled(kube, namespace, lambda found: not rejected(found))
        assert sorted(found) == [*first, "yes"]
        kube.delete("taskinputs", namespace, "i00")
        kube.create("taskinputs", namespace, manifests.task_input("i07", "go on"))
        kube.wait("it has a place", "taskinputs", namespace, "i07", lambda entry: "order" in entry["status"])
        assert 'taskyard_inputs_refused_total{bound="QueueFull"} 3.0' in metrics(bounded)
        settled(kube, namespace, lambda found: f"taskyard_inputs_queued {queued(kube)}.0" in metrics(bounded))
    finally:
        bounded.kill()


def test_the_tasks_of_a_namespace_share_its_bound(kube: Kube, namespace: str, bounded: OperatorProcess) -> None:
    """Also those that do not exist yet; and other namespaces do not feel it."""
    other = kube.create_namespace()
    for number in range(4):
        flood(kube, namespace, 4, task=f"task-{number}", name=f"t{number}-")
    kube.create("taskinputs", other, manifests.task_input("there", "go on"))
    bounded.start()
    try:
        found = settled(kube, namespace, lambda found: len(placed(found)) == 12 and len(rejected(found)) == 4)
        reasons = {found[name]["status"]["reason"] for name in rejected(found)}
        assert reasons == {"NamespaceQueueFull"}
        message = found[rejected(found)[0]]["status"]["message"]
        assert message.startswith(f'The queues of namespace "{namespace}" are full: 12 messages wait')
        kube.wait("it has a place", "taskinputs", other, "there", lambda entry: "order" in entry["status"])
    finally:
        bounded.kill()
        kube.delete("taskinputs", other, "there")


def test_a_flood_of_inputs_delays_no_other_namespace(
    kube: Kube, kubeconfig: Path, namespace: str, tmp_path: Path
) -> None:
    """Hundreds of inputs for one Task: others' inputs and Tasks are served meanwhile, and the flood is worn down."""
    other = kube.create_namespace()
    kube.create("templateversions", other, manifests.template_version())
    bodies = [manifests.task_input(f"i{place}", "go on") for place in range(300)]
    with ThreadPoolExecutor(16) as clients:
        list(clients.map(lambda body: kube.create("taskinputs", namespace, body), bodies))
    operator = OperatorProcess(kubeconfig, tmp_path, namespace=namespace, TASKYARD_MAX_QUEUED_PER_TASK="20")
    operator.start()
    operator.wait_ready()
    try:
        began = time.monotonic()
        kube.create("tasks", other, manifests.task("quick"))
        kube.create("taskinputs", other, manifests.task_input("quick", "go on", task="quick"))
        kube.wait("it has a place", "taskinputs", other, "quick", lambda entry: "order" in entry["status"])
        kube.wait("its Pod is made", "pods", other, "quick-1", lambda pod: True)
        took = time.monotonic() - began
        found = {entry["metadata"]["name"]: entry for entry in kube.list("taskinputs", namespace)}
        assert len(rejected(found)) <= 50 + (took + 10) * 50, "so many writes a second, and no more"
        found = settled(kube, namespace, lambda found: len(placed(found)) == len(found) - len(rejected(found)) == 20)
        assert {found[name]["status"]["reason"] for name in rejected(found)} == {"QueueFull"}
    finally:
        operator.kill()
        kube.delete("tasks", other, "quick")
