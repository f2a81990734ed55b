"""Inputs that are applied again, that come before their Task, or that were sent to an earlier one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import manifests
from integration.chaos.dice import Dice
from integration.chaos.sidecars import Sidecars
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from integration.denial import kept
from kube import Kube, Object, phase_is
from taskyard.core import names
from taskyard.core.security.keyring import keyring_from


@pytest.fixture
def sidecars() -> Iterator[Sidecars]:
    with Sidecars(Dice(0), worked=lambda pod: None) as standins:
        standins.calm = True
        yield standins
    assert standins.wrongs == []


class Place:
    """A namespace, the operator, and what a node would do."""

    def __init__(
        self, kube: Kube, operator: OperatorProcess, kubelet: Kubelet, sidecars: Sidecars, *, namespace: str
    ) -> None:
        self.kube = kube
        self.operator = operator
        self.namespace = namespace
        self._kubelet = kubelet
        self._sidecars = sidecars
        kube.create("templateversions", namespace, manifests.template_version())

    def task(self) -> Object:
        return self.kube.create("tasks", self.namespace, manifests.task())

    def input(self, name: str, content: str = "go on", **fields: Any) -> Object:
        return self.kube.create("taskinputs", self.namespace, manifests.task_input(name, content) | fields)

    def activate(self, *, home: str, pod: str = "hello-1") -> None:
        """Acts as the node until the Task is Active. `home` names the home, in which the sidecar's journal is."""
        kube, namespace = self.kube, self.namespace
        made = kube.wait("the Pod is created", "pods", namespace, pod, lambda pod: True)
        self._kubelet.bind(pod)
        kube.wait("the build succeeds", "workspacebuilds", namespace, pod, phase_is("Succeeded"))
        secret = kube.get("secrets", namespace, "taskyard-keys")
        assert secret is not None
        self._sidecars.use(keyring_from(secret["data"]))
        ip = self._sidecars.address()
        self._sidecars.open(ip, pod_uid=made["metadata"]["uid"], task_uid=home)
        self._kubelet.enroll("hello")
        self._kubelet.run(pod, ready=True, ip=ip)
        kube.wait("the Task is active", "tasks", namespace, "hello", phase_is("Active"))

    def pause(self, *, paused: bool) -> None:
        self.kube.patch("tasks", self.namespace, "hello", {"spec": {"paused": paused}})

    def waits(self, name: str, text: str) -> None:
        """Waits until a queued input says so."""

        def holds(entry: Object) -> bool:
            status = entry.get("status", {})
            return status.get("phase") == "Queued" and text in status.get("message", "")

        self.kube.wait(f"{name} says {text!r}", "taskinputs", self.namespace, name, holds)

    def ended(self, name: str, phase: str) -> Object:
        """The input, once it has come to that end."""
        return self.kube.wait(f"{name} is {phase}", "taskinputs", self.namespace, name, phase_is(phase))

    def typed(self, home: str) -> list[str]:
        return [message.content for message in self._sidecars.typed[home]]

    def forget(self, *, owners_too: bool = False) -> None:
        """Deletes the Task and what it owns, as garbage collection would, which does not run here."""
        self.kube.delete("tasks", self.namespace, "hello")
        if owners_too:
            for plural in ("taskinputs", "workspacebuilds", "pods", "persistentvolumeclaims"):
                for found in self.kube.list(plural, self.namespace):
                    self.kube.patch(
                        plural, self.namespace, found["metadata"]["name"], {"metadata": {"finalizers": None}}
                    )
                    self.kube.delete(plural, self.namespace, found["metadata"]["name"], now=plural == "pods")


@pytest.fixture
def place(kube: Kube, operator: OperatorProcess, kubelet: Kubelet, sidecars: Sidecars, namespace: str) -> Place:
    return Place(kube, operator, kubelet, sidecars, namespace=namespace)


def test_what_a_gitops_tool_applies_again_is_delivered_once(
    kube: Kube, kubeconfig: Path, kubelet: Kubelet, sidecars: Sidecars, namespace: str, tmp_path: Path
) -> None:
    """K7"""
    operator = OperatorProcess(kubeconfig, tmp_path, namespace=namespace, TASKYARD_INPUT_RETENTION="1s")
    place = Place(kube, operator, kubelet, sidecars, namespace=namespace)
    operator.start()
    try:
        place.task()
        place.activate(home="home")
        place.input("generated-x", "of a generated name", metadata={"generateName": "generated-"})
        labelled = {"name": "labelled", "labels": {names.CREATED_BY: "gateway"}}
        place.input("labelled", "of the gateway", metadata=labelled)
        end = time.monotonic() + 4
        uids = set()
        while time.monotonic() < end:
            found = kube.get("taskinputs", namespace, "in-git") or place.input("in-git")
            uids.add(found["metadata"]["uid"])
            time.sleep(0.1)
        place.ended("in-git", "Delivered")
        assert len(uids) == 1, "it was removed"
        assert sorted(place.typed("home")) == ["go on", "of a generated name", "of the gateway"]
        assert [found["metadata"]["name"] for found in kube.list("taskinputs", namespace)] == ["in-git"]
    finally:
        operator.kill()


def test_a_message_is_delivered_though_earlier_ones_stay(
    kube: Kube,
    kubeconfig: Path,
    kubelet: Kubelet,
    sidecars: Sidecars,
    namespace: str,
    tmp_path: Path,
) -> None:
    """K2: a policy keeps them."""
    operator = OperatorProcess(kubeconfig, tmp_path, namespace=namespace, TASKYARD_INPUT_RETENTION="1s")
    place = Place(kube, operator, kubelet, sidecars, namespace=namespace)
    place.task()
    first = place.input("ignored", "one", metadata={"generateName": "one-"})["metadata"]["name"]
    with kept(kube, namespace, "taskinputs", first):
        operator.start()
        try:
            place.activate(home="home")
            place.ended(first, "Delivered")
            operator.wait_log(f"TaskInput {first} is not deleted: ")
            place.input("two", "two")
            place.ended("two", "Delivered")
            assert place.typed("home") == ["one", "two"]
        finally:
            operator.kill()


def test_an_input_that_is_deleted_and_applied_again_is_not_repeated_and_says_so(place: Place) -> None:
    """K7"""
    place.operator.start()
    place.task()
    place.activate(home="home")
    for _ in range(2):
        first = place.input("in-git")
        place.ended("in-git", "Delivered")
        place.kube.delete("taskinputs", place.namespace, "in-git")
    again = place.input("in-git")
    found = place.ended("in-git", "Delivered")
    assert found["metadata"]["uid"] == again["metadata"]["uid"] != first["metadata"]["uid"]
    assert found["status"]["message"].startswith("delivered before, not repeated")
    place.input("another-name")
    place.ended("another-name", "Delivered")
    assert place.typed("home") == ["go on", "go on"]


def test_a_restored_task_is_not_told_again_what_its_home_has_had(place: Place) -> None:
    """K3: other UIDs, no owners, no status; the inputs come first, by the order of the kinds' names."""
    place.operator.start()
    former = place.task()
    place.activate(home="home")
    place.input("had")
    place.ended("had", "Delivered")
    place.forget(owners_too=True)
    place.input("had")
    place.input("new", "and this")
    assert place.task()["metadata"]["uid"] != former["metadata"]["uid"]
    place.activate(home="home")
    assert place.ended("had", "Delivered")["status"]["message"].startswith("delivered before")
    assert "message" not in place.ended("new", "Delivered")["status"]
    assert place.typed("home") == ["go on", "and this"]


@pytest.mark.parametrize("is_down", [pytest.param(False, id="seen before"), pytest.param(True, id="operator is down")])
def test_inputs_that_came_a_little_before_their_task_are_delivered_in_their_order(place: Place, is_down: bool) -> None:
    """K14"""
    if not is_down:
        place.operator.start()
        place.operator.wait_ready()
    for number in range(3):
        place.input(f"i{number}", f"message {number}")
    time.sleep(1.1)
    place.input("i3", "message 3")
    task = place.task()
    if is_down:
        place.operator.start()
    place.activate(home="home")
    for number in range(4):
        found = place.ended(f"i{number}", "Delivered")
        assert found["metadata"]["ownerReferences"][0]["uid"] == task["metadata"]["uid"]
    assert place.typed("home") == [f"message {number}" for number in range(4)]


@pytest.mark.parametrize("seconds", [pytest.param(0, id="within a second"), pytest.param(1.1, id="a second later")])
def test_what_was_sent_to_an_earlier_task_is_not_typed_into_the_next_one_of_its_name(
    place: Place, seconds: float
) -> None:
    """K14: the operator was down, and has seen neither the earlier Task nor the input."""
    place.task()
    place.input("for-the-former", "a secret between us")
    place.kube.delete("tasks", place.namespace, "hello")
    place.input("for-the-next", "welcome")
    time.sleep(seconds)
    place.task()
    place.operator.start()
    place.activate(home="home")
    refused = place.ended("for-the-former", "Rejected")
    assert "meant for an earlier Task" in refused["status"]["message"]
    place.ended("for-the-next", "Delivered")
    assert place.typed("home") == ["welcome"]


def test_what_was_sent_to_a_task_that_is_gone_when_the_operator_starts_is_not_typed_into_the_next_one(
    place: Place,
) -> None:
    """K14: the operator sees no Task at first, and later one of that name, which may be somebody else's."""
    former = place.task()["metadata"]["uid"]
    place.input("for-the-former", "a secret between us")
    place.kube.delete("tasks", place.namespace, "hello")
    place.input("for-the-next", "welcome")
    place.operator.start()
    for name, meant_for in (("for-the-former", former), ("for-the-next", None)):
        seen = place.kube.wait(
            "its place", "taskinputs", place.namespace, name, lambda found: "order" in found["status"]
        )
        assert seen["status"].get("taskUID") == meant_for
    place.task()
    place.activate(home="home")
    assert "meant for an earlier Task" in place.ended("for-the-former", "Rejected")["status"]["message"]
    place.ended("for-the-next", "Delivered")
    assert place.typed("home") == ["welcome"]


def test_an_input_that_is_applied_right_after_a_task_was_deleted_is_for_the_next_one(place: Place) -> None:
    """K14: though the operator may learn of the input before it learns of the deletion."""
    place.operator.start()
    for number in range(3):
        place.task()
        place.kube.wait("it is seen", "tasks", place.namespace, "hello", lambda task: "build" in task["status"])
        time.sleep(1.1)
        place.forget(owners_too=True)
        place.input(f"i{number}")
    task = place.task()
    place.activate(home="home")
    found = place.ended("i2", "Delivered")
    assert found["metadata"]["ownerReferences"][0]["uid"] == task["metadata"]["uid"]
    assert place.typed("home") == ["go on"]


def test_what_was_sent_to_a_task_that_lived_with_the_operator_is_not_typed_into_the_next_one(place: Place) -> None:
    """K14: the earlier Task owns it, since it was seen."""
    place.operator.start()
    former = place.task()["metadata"]["uid"]
    place.input("for-the-former", "a secret between us")
    place.kube.wait(
        "it is owned",
        "taskinputs",
        place.namespace,
        "for-the-former",
        lambda found: found["metadata"].get("ownerReferences", [{}])[0].get("uid") == former,
    )
    place.operator.kill()
    place.operator.wait_dead()
    place.kube.delete("tasks", place.namespace, "hello")
    place.task()
    place.operator.start()
    assert "meant for an earlier Task" in place.ended("for-the-former", "Rejected")["status"]["message"]


def test_keystrokes_for_a_paused_task_are_refused_and_a_message_waits_and_says_why(place: Place) -> None:
    """The next start would press them before the agent is ready, and the message after them would be another one."""
    place.operator.start()
    place.task()
    place.activate(home="home")
    place.pause(paused=True)
    leaving = "the Pod is being deleted"
    place.kube.wait(leaving, "pods", place.namespace, "hello-1", lambda pod: "deletionTimestamp" in pod["metadata"])
    place.kube.delete("pods", place.namespace, "hello-1", now=True)
    place.kube.wait("the Task is paused", "tasks", place.namespace, "hello", phase_is("Paused"))
    for name, resume in (("keys", False), ("waking-keys", True)):
        place.kube.create("taskinputs", place.namespace, manifests.task_input(name, "q", type="Raw", resume=resume))
    place.input("first", "one")
    place.input("second", "two")
    for name in ("keys", "waking-keys"):
        message = place.ended(name, "Rejected")["status"]["message"]
        assert 'Task "hello" is paused. Apply it again, under another name, when the Task is Active.' in message
    for name in ("first", "second"):
        place.waits(name, 'Task "hello" is paused (spec.paused)')
    stood = [found["metadata"]["resourceVersion"] for found in place.kube.list("taskinputs", place.namespace)]
    time.sleep(3)
    found = place.kube.list("taskinputs", place.namespace)
    assert [entry["metadata"]["resourceVersion"] for entry in found] == stood, "at rest nothing is written"

    place.pause(paused=False)
    place.waits("second", "One input is before it.")
    place.kube.wait("the Pod is created", "pods", place.namespace, "hello-3", lambda pod: True)
    place.kube.create("taskinputs", place.namespace, manifests.task_input("early-keys", "q", type="Raw"))
    assert "has not started yet" in place.ended("early-keys", "Rejected")["status"]["message"]
    place.waits("first", "its agent is not ready. The condition Ready of the Task says why.")
    place.activate(home="home", pod="hello-3")
    for name in ("first", "second"):
        assert "message" not in place.ended(name, "Delivered")["status"]
    place.kube.create("taskinputs", place.namespace, manifests.task_input("new-keys", "q", type="Raw"))
    place.ended("new-keys", "Delivered")
    assert place.typed("home") == ["one", "two", "q"]


def test_an_input_without_a_task_says_what_it_waits_for(place: Place) -> None:
    """K14"""
    place.operator.start()
    place.input("early")
    place.waits("early", 'There is no Task "hello" in namespace')
    place.kube.create("taskinputs", place.namespace, manifests.task_input("keys", "q", type="Raw"))
    assert 'there is no Task "hello"' in place.ended("keys", "Rejected")["status"]["message"]
    place.task()
    place.activate(home="home")
    assert "message" not in place.ended("early", "Delivered")["status"]
    assert place.typed("home") == ["go on"]
