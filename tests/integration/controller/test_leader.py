"""Two operators, of which one is active: killed, suspended, resumed, cut off, terminated."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import manifests
import plainhttp
from integration.controller.faultproxy import FaultProxy
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from kube import Kube, phase_is

LEASE = "taskyard-operator"
SHORT_DURATION = 4.0
# A few, for everyday use.
SEEDS = int(os.environ.get("TASKYARD_LEADER_SEEDS", "4"))
SHORT = {
    "TASKYARD_LEASE_DURATION": f"{SHORT_DURATION:.0f}s",
    "TASKYARD_LEASE_RENEW_DEADLINE": "3s",
    "TASKYARD_LEASE_RETRY_PERIOD": "0.3s",
}
# The chart's values.
INSTALLED = {
    "TASKYARD_LEASE_DURATION": "10s",
    "TASKYARD_LEASE_RENEW_DEADLINE": "7s",
    "TASKYARD_LEASE_RETRY_PERIOD": "2s",
}


@dataclass
class Contender:
    """An operator behind its own proxy, which records its writes."""

    name: str
    proxy: FaultProxy
    process: OperatorProcess

    @property
    def writes(self) -> list[str]:
        return self.proxy.writes


Enter = Callable[..., Contender]


@pytest.fixture
def enter(kube: Kube, tmp_path: Path, namespace: str) -> Iterator[Enter]:
    """`enter("one")` starts an operator and returns once it is ready."""
    with ExitStack() as stack:

        def run(name: str, **environment: str) -> Contender:
            folder = tmp_path / name
            folder.mkdir()
            proxy = stack.enter_context(FaultProxy(kube, folder))
            spans = environment or SHORT
            process = OperatorProcess(proxy.kubeconfig, folder, namespace=namespace, name=name, **spans)
            stack.callback(process.kill)
            process.start()
            process.wait_ready()
            return Contender(name, proxy, process)

        yield run


def holder(lease: dict[str, Any]) -> str:
    """The name of the Lease's holder, without the part that differs for each process."""
    return str(lease["spec"].get("holderIdentity", "")).rpartition("_")[0]


def leader_metric(contender: Contender) -> float:
    """The value of its leader metric."""
    text = plainhttp.get(f"{contender.process.address}/metrics").raise_for_status().text
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith("taskyard_leader "))


def wait_holder(kube: Kube, namespace: str, name: str, seconds: float = 15) -> float:
    """Returns once this one leads; the result is the seconds that it took."""
    began = time.monotonic()
    kube.wait(f"{name} leads", "leases", namespace, LEASE, lambda lease: holder(lease) == name, seconds)
    return time.monotonic() - began


def wait_ended(contender: Contender) -> None:
    """Waits until it has exited by itself, with one line that says why and no trace."""
    assert contender.process.wait_status() == 1, contender.process.log
    lost = [line for line in contender.process.log.splitlines() if "the operator ends" in line]
    assert len(lost) == 1, contender.process.log
    assert "Traceback" not in contender.process.log, contender.process.log


def start(kube: Kube, namespace: str, name: str, seconds: float = 15) -> None:
    """Creates a Task; the leader creates its Pod."""
    kube.create("tasks", namespace, manifests.task(name))
    kube.wait(f"the Pod of {name}", "pods", namespace, f"{name}-1", lambda pod: True, seconds)


def test_a_standby_is_ready_and_writes_nothing(kube: Kube, enter: Enter, namespace: str) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    one, two = enter("one"), enter("two")
    start(kube, namespace, "hello")
    time.sleep(SHORT_DURATION + 1)
    assert two.writes == []
    assert (leader_metric(one), leader_metric(two)) == (1, 0)
    found = kube.get("leases", namespace, LEASE)
    assert found is not None and holder(found) == "one"
    assert one.process.stop() == 0 and two.process.stop() == 0


def test_a_killed_leader_is_replaced_within_fifteen_seconds(kube: Kube, enter: Enter, namespace: str) -> None:
    """With the chart's durations."""
    kube.create("templateversions", namespace, manifests.template_version())
    one, two = enter("one", **INSTALLED), enter("two", **INSTALLED)
    wait_holder(kube, namespace, "one")
    one.process.kill()
    began = time.monotonic()
    start(kube, namespace, "hello")
    assert time.monotonic() - began <= 15
    assert one.writes == [] or not any("/pods" in line for line in one.writes)
    assert "Traceback" not in two.process.log


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, SEEDS))])
def test_a_leader_that_was_suspended_past_its_lease_writes_nothing_when_resumed(
    kube: Kube, enter: Enter, kubelet: Kubelet, namespace: str, seed: int
) -> None:
    chance = random.Random(seed)
    kube.create("templateversions", namespace, manifests.template_version())
    one, two = enter("one"), enter("two")
    names = [f"t{number}" for number in range(5)]
    for name in names:
        kube.create("tasks", namespace, manifests.task(name))
    # At a random point of its work.
    time.sleep(chance.uniform(0, 0.4))
    one.process.suspend()
    wait_holder(kube, namespace, "two")
    before = len(one.writes)
    for name in chance.sample(names, 2):
        kube.patch("tasks", namespace, name, {"spec": {"paused": True}})
    start(kube, namespace, "later")
    one.process.wake()
    wait_ended(one)
    assert one.writes[before:] == []
    for name in names:
        task = kube.get("tasks", namespace, name)
        assert task is not None
        wanted = "Paused" if task["spec"].get("paused") else "Pending"
        task = kube.wait(f"{name} is {wanted}", "tasks", namespace, name, phase_is(wanted))
        of_task = [
            pod["metadata"]["name"]
            for pod in kube.list("pods", namespace)
            if pod["metadata"]["labels"]["taskyard.dev/task"] == name
        ]
        assert len(of_task) == (0 if wanted == "Paused" else 1), of_task
        numbers = sorted(
            build["spec"]["number"]
            for build in kube.list("workspacebuilds", namespace)
            if build["spec"]["task"] == name
        )
        assert numbers == list(range(1, len(numbers) + 1))
    assert "Traceback" not in two.process.log


def test_a_terminated_leader_hands_over_immediately(kube: Kube, enter: Enter, namespace: str) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    one, two = enter("one"), enter("two")
    wait_holder(kube, namespace, "one")
    one.process.ask_to_end()
    # Sooner than the Lease would have expired.
    assert wait_holder(kube, namespace, "two") < SHORT_DURATION * 0.75
    start(kube, namespace, "hello")
    assert one.process.wait_status() == 0
    lease = kube.get("leases", namespace, LEASE)
    assert lease is not None and lease["spec"]["leaseTransitions"] == 1
    assert "Traceback" not in one.process.log + two.process.log


def test_a_lease_that_is_deleted_by_hand_is_recreated_by_its_holder(kube: Kube, enter: Enter, namespace: str) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    one, two = enter("one"), enter("two")
    wait_holder(kube, namespace, "one")
    for _ in range(3):
        kube.delete("leases", namespace, LEASE)
        wait_holder(kube, namespace, "one")
        time.sleep(0.5)
    start(kube, namespace, "hello")
    assert two.writes == [] and one.process.is_running and two.process.is_running


def test_a_leader_ends_when_somebody_else_holds_its_lease(kube: Kube, enter: Enter, namespace: str) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    one = enter("one")
    wait_holder(kube, namespace, "one")
    kube.patch("leases", namespace, LEASE, {"spec": {"holderIdentity": "somebody_else"}})
    wait_ended(one)
    assert "somebody_else holds it now" in one.process.log
    # Its successor waits until that Lease expires, and then leads.
    one.process.start()
    start(kube, namespace, "hello")


def test_a_leader_that_is_cut_off_from_the_api_server_stops_writing(kube: Kube, enter: Enter, namespace: str) -> None:
    kube.create("templateversions", namespace, manifests.template_version())
    one, two = enter("one"), enter("two")
    wait_holder(kube, namespace, "one")
    # Its watches continue, so it sees all the work.
    one.proxy.is_silent = True
    wait_holder(kube, namespace, "two")
    before = len(one.writes)
    for number in range(3):
        start(kube, namespace, f"t{number}")
    wait_ended(one)
    assert one.writes[before:] == []
    assert "Traceback" not in two.process.log
