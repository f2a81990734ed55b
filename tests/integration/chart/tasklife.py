"""A life of Tasks in which operator and gateway need every right that the chart gives them."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

import manifests
from integration.chart.accountprocess import eventually
from integration.chart.installation import Cluster
from integration.chart.sidecar import Sidecar
from integration.controller.kubelet import Kubelet
from integration.requestlog import Request
from kube import Kube, condition, phase_is
from taskyard.core import names

Object = dict[str, Any]
STORAGE_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
POLICY = names.NETWORK_POLICY
GONE = "00000000-0000-4000-8000-000000000000"
# Long enough to bind its Pod on a busy machine.
START_SECONDS = 10
RACE_SECONDS = 30.0


@dataclass
class TaskLife:
    """Lives in one namespace. `sidecars` and `people` are the addresses of the gateway's listeners, `asked` tells what
    the operator has asked for so far. Nothing is garbage collected here, and no kubelet runs: this acts as both."""

    cluster: Cluster
    kube: Kube
    namespace: str
    sidecars: str
    people: str
    asked: Callable[[], set[Request]]

    def __post_init__(self) -> None:
        self._kubelet = Kubelet(self.kube, self.namespace)

    def live(self) -> None:
        """Leaves template versions behind, and nothing that an operator would do anything for."""
        self._offer_versions()
        self._start_late()
        self._start()
        self._work()
        self._pause()
        self._resume_with_a_larger_home()
        self._lose_the_pod()
        self._change_what_the_operator_keeps()
        self._be_quicker_than_the_operator()
        self._end()

    def _offer_versions(self) -> None:
        kube, storage = self.kube, f"grows-in-{self.namespace}"
        kube.request(
            "POST",
            STORAGE_CLASSES,
            {"metadata": {"name": storage}, "provisioner": "example.org/none", "allowVolumeExpansion": True},
        )
        for name, size in (("shell-v1", "1Gi"), ("shell-v2", "2Gi")):
            home = {"size": size, "storageClassName": storage}
            kube.create("templateversions", self.namespace, manifests.template_version(name, home=home))
        kube.create("templates", self.namespace, manifests.template())
        self._wait("the template is resolved", "templates", "shell", lambda it: condition(it, "Resolved")["status"])
        self._wait("the version is valid", "templateversions", "shell-v1", lambda it: condition(it, "Valid")["status"])

    def _start_late(self) -> None:
        """A Task whose Pod does not start: the Pod's Events are read after the version's time."""
        version = manifests.template_version("late-v1", startTimeoutSeconds=START_SECONDS)
        self.kube.create("templateversions", self.namespace, version)
        self.kube.create("tasks", self.namespace, manifests.task("late", templateVersion="late-v1"))
        self._bind("late-1")

    def _start(self) -> None:
        """In the way are a build and a home that an earlier Task of this name had."""
        owned = [names.owner_reference(name="hello", uid=GONE)]
        build = {"task": "hello", "number": 1, "transition": "Start", "reason": "Initial"}
        self.kube.create(
            "workspacebuilds",
            self.namespace,
            {
                "apiVersion": "taskyard.dev/v1alpha1",
                "kind": "WorkspaceBuild",
                "metadata": {"name": "hello-1", "ownerReferences": owned},
                "spec": {**build, "templateVersion": "shell-v1", "promptSHA256": "0" * 64},
            },
        )
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        home = names.claim_name("hello")
        claim = {"metadata": {"name": home, "ownerReferences": owned}, "spec": spec}
        self.kube.create("persistentvolumeclaims", self.namespace, claim)
        self.kube.create("tasks", self.namespace, manifests.task(ttlSecondsAfterFinished=0))
        self._wait("the former home goes", "persistentvolumeclaims", home, _is_going)
        # The work of a controller that protects claims which Pods use.
        self.kube.patch("persistentvolumeclaims", self.namespace, home, {"metadata": {"finalizers": None}})
        self._bind("hello-1")

    def _work(self) -> None:
        """The agent reports, is idle twice with the same words, and a message to it cannot be delivered."""
        with self._sidecar("hello-1") as sidecar:
            self._kubelet.run("hello-1", ready=True)
            self._wait("the Task is active", "tasks", "hello", phase_is("Active"))
            for state, message, count in (("idle", "done", 1), ("working", "more", 1), ("idle", "done", 2)):
                sidecar.report(state, message)
                told = partial(self._is_told, f"Agent{state.title()}", count)
                eventually(told, what=f"the Event that it is {state}, counted {count}")
            for content in ("Hello", "Hello again"):
                sidecar.snapshot(content)
        self.kube.create("taskinputs", self.namespace, manifests.task_input("again", "go on"))
        self._wait("its delivery is tried", "taskinputs", "again", lambda it: it["status"].get("attempts"))
        self.kube.delete("taskinputs", self.namespace, "again")
        token = self.cluster.must("create", "token", "default", "-n", self.namespace).strip()
        path = f"{self.people}/api/v2/tasks/{self.namespace}/hello"
        headers = {"Authorization": f"Bearer {token}"}
        # The server's identity is tested elsewhere. Who may not see the Task is told that there is none.
        assert httpx.get(path, headers=headers, verify=False, trust_env=False, timeout=20).status_code == 404

    def _pause(self) -> None:
        """Keystrokes to a Task that is paused are refused, and not kept."""
        self.kube.patch("tasks", self.namespace, "hello", {"spec": {"paused": True}})
        self._wait("the Pod goes", "pods", "hello-1", _is_going)
        self._kubelet.remove("hello-1")
        self._wait("the Task is paused", "tasks", "hello", phase_is("Paused"))
        keys = manifests.task_input("", "y", type="Raw") | {"metadata": {"generateName": "keys-"}}
        name = self.kube.create("taskinputs", self.namespace, keys)["metadata"]["name"]
        self.kube.wait_gone("taskinputs", self.namespace, name)

    def _resume_with_a_larger_home(self) -> None:
        home = names.claim_name("hello")
        self.kube.patch("persistentvolumeclaims", self.namespace, home, {"spec": {"volumeName": "none"}})
        bound = {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}
        self.kube.patch("persistentvolumeclaims", self.namespace, home, {"status": bound}, subresource="status")
        self.kube.patch("tasks", self.namespace, "hello", {"spec": {"paused": False, "templateVersion": "shell-v2"}})
        self._bind("hello-3")

    def _lose_the_pod(self) -> None:
        self._kubelet.remove("hello-3")
        self._bind("hello-4")

    def _change_what_the_operator_keeps(self) -> None:
        kept = self.kube.get("networkpolicies", self.namespace, POLICY)
        assert kept is not None
        self.kube.patch("networkpolicies", self.namespace, POLICY, {"spec": {"ingress": [{}]}})
        self._wait("it is restored", "networkpolicies", POLICY, lambda it: it["spec"] == kept["spec"])

    def _be_quicker_than_the_operator(self) -> None:
        """Sooner or later a write of the operator's comes after somebody else's, and it reads what is there now."""
        numbers = itertools.count(1)

        def point_the_template_elsewhere() -> None:
            for version in ("none", "shell-v1"):
                self.kube.patch("templates", self.namespace, "shell", {"spec": {"activeVersion": version}})

        def annotate_a_new_version() -> None:
            name = f"annotated-v{next(numbers)}"
            self.kube.create("templateversions", self.namespace, manifests.template_version(name))
            for note in ("a", "b"):
                self.kube.patch("templateversions", self.namespace, name, {"metadata": {"annotations": {note: note}}})

        def replace_the_policy() -> None:
            self.kube.delete("networkpolicies", self.namespace, POLICY)
            # The operator may have been quicker.
            with contextlib.suppress(AssertionError):
                made = {"metadata": {"name": POLICY}, "spec": {"podSelector": {}}}
                self.kube.create("networkpolicies", self.namespace, made)

        self._race("templates", point_the_template_elsewhere)
        self._race("templateversions", annotate_a_new_version)
        self._race("networkpolicies", replace_the_policy)

    def _race(self, resource: str, act: Callable[[], None]) -> None:
        """Acts until the operator has read one object of this kind."""
        end = time.monotonic() + RACE_SECONDS
        while not any((request.verb, request.resource) == ("get", resource) for request in self.asked()):
            assert time.monotonic() < end, f"the operator has read none of the {resource} after {RACE_SECONDS} s"
            act()

    def _end(self) -> None:
        """A Task that is complete is deleted at once, as it wishes; with the last one its namespace's policy goes."""
        with self._sidecar("hello-4") as sidecar:
            sidecar.report("complete", "all done")
        self.kube.wait_gone("tasks", self.namespace, "hello")
        self._wait("the other Task has not started in time", "tasks", "late", phase_is("Error"))
        self.kube.delete("tasks", self.namespace, "late")
        for pod in ("hello-4", "late-1"):
            self._kubelet.remove(pod)
        self.kube.wait_gone("networkpolicies", self.namespace, POLICY)

    def _bind(self, pod: str) -> None:
        self._wait("the Pod is created", "pods", pod, lambda it: True)
        self._kubelet.bind(pod)
        self._wait("the build succeeds", "workspacebuilds", pod, phase_is("Succeeded"))

    def _sidecar(self, pod: str) -> Sidecar:
        return Sidecar(self.cluster, self.sidecars, self.namespace, pod)

    def _is_told(self, reason: str, count: int) -> bool:
        """Whether an Event has been told so often."""
        found = [event for event in self.kube.list("events", self.namespace) if event["reason"] == reason]
        return any((event.get("series") or {"count": 1})["count"] == count for event in found)

    def _wait(self, what: str, plural: str, name: str, holds: Callable[[Object], Any]) -> Object:
        return self.kube.wait(what, plural, self.namespace, name, holds)


def _is_going(found: Object) -> bool:
    return "deletionTimestamp" in found["metadata"]
