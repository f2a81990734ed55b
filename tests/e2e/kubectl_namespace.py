"""A namespace with Tasks, as a user sees it."""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from auditrun import RUN
from kube import Kube
from localcluster import cluster, programs

Object = dict[str, Any]
SECONDS = 60.0


class KubectlNamespace:
    """kubectl and waits in a namespace."""

    def __init__(self, kubeconfig: Path, kube: Kube, name: str) -> None:
        self._kubeconfig = kubeconfig
        self.kube = kube
        self.name = name

    def create(self) -> None:
        namespace = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": self.name,
                "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
            },
        }
        self.kube.request("POST", "/api/v1/namespaces", namespace)

    def remove(self) -> None:
        self.kubectl("delete", "namespace", self.name, "--wait=false", "--ignore-not-found")

    def kill_sidecar(self, pod: str) -> None:
        """Kills a Pod's sidecar with SIGKILL."""
        found = self.kube.get("pods", self.name, pod)
        assert found is not None
        (sidecar,) = (s for s in found["status"]["initContainerStatuses"] if s["name"] == "taskyard-sidecar")
        identity = sidecar["containerID"].removeprefix("containerd://")
        kill = cluster.inside("ctr", "--namespace", "k8s.io", "task", "kill", "--signal", "SIGKILL", identity)
        subprocess.run(kill, check=True, capture_output=True, timeout=30)

    def attempt(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs kubectl and returns its result, also of a failure."""
        for given in (stdin, *(value for option, value in itertools.pairwise(arguments) if option == "-p")):
            RUN.note_manifests(given)
        return subprocess.run(
            [programs.kubectl(), "--kubeconfig", self._kubeconfig, "--namespace", self.name, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS * 2,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts a kubectl that keeps running; its standard input and output are pipes."""
        return subprocess.Popen(
            [programs.kubectl(), "--kubeconfig", self._kubeconfig, "--namespace", self.name, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Runs kubectl and returns its output; raises AssertionError with its error message when it fails."""
        result = self.attempt(*arguments, stdin=stdin)
        assert result.returncode == 0, f"kubectl {' '.join(arguments)}: {result.stderr}"
        return result.stdout

    def apply(self, *manifests: Object) -> None:
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))

    def wait(
        self, what: str, holds: Callable[[Object], Any], *, task: str = "hello", seconds: float = SECONDS
    ) -> Object:
        """Returns the Task once `holds` is true of its status."""
        return self.kube.wait(what, "tasks", self.name, task, lambda t: holds(t.get("status", {})), seconds)

    def wait_state(
        self, state: str, *, task: str = "hello", build: int | None = None, seconds: float = SECONDS
    ) -> Object:
        """Returns the Task once it is Active and reports this state, in the given build if any."""

        def holds(status: Object) -> bool:
            found = status.get("state", {})
            return (
                status.get("phase") == "Active"
                and found.get("state") == state
                and (build is None or found["build"] == build)
            )

        return self.wait(f"{task} is {state}", holds, task=task, seconds=seconds)

    def messages(self, task: str = "hello") -> list[Object]:
        """The conversation in the snapshot; empty while there is none."""
        found = self.kube.get("configmaps", self.name, f"{task}-snapshot")
        if found is None:
            return []
        envelope = json.loads(found["data"]["snapshot.json"])
        assert envelope["format"] == "agentapi"
        messages: list[Object] = envelope["data"]["messages"]
        return messages

    def said(self, role: str, *, task: str = "hello") -> list[str]:
        """The messages of `user` or `agent` in the snapshot."""
        return [message["content"] for message in self.messages(task) if message["role"] == role]

    def wait_answer(self, text: str, *, task: str = "hello", seconds: float = SECONDS) -> list[Object]:
        """Returns the conversation once a message of the agent contains `text`."""
        end = time.monotonic() + seconds
        messages: list[Object] = []
        while time.monotonic() < end:
            messages = self.messages(task)
            if any(text in message["content"] for message in messages if message["role"] == "agent"):
                return messages
            time.sleep(0.2)
        raise AssertionError(f"no agent message contains {text!r} within {seconds} s; the snapshot is {messages}")

    def say(self, name: str, content: str, *, task: str = "hello", **spec: Any) -> None:
        """Sends a message to the agent."""
        self.apply(
            {
                "apiVersion": "taskyard.dev/v1alpha1",
                "kind": "TaskInput",
                "metadata": {"name": name},
                "spec": {"task": task, "content": content, **spec},
            }
        )

    def pause(self, value: bool, *, task: str = "hello") -> None:
        self.kubectl("patch", "task", task, "--type=merge", "-p", json.dumps({"spec": {"paused": value}}))

    def inside(self, pod: str, container: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command in a container."""
        return self.attempt("exec", pod, "--container", container, "--", *command)


def ready(status: Object) -> tuple[str, str]:
    """Reason and message of the condition Ready."""
    found = next((c for c in status.get("conditions", []) if c["type"] == "Ready"), {"reason": "", "message": ""})
    return found["reason"], found["message"]
