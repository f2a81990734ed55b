"""Agents that are commands: they run once, and the workspace stops when they end."""

from __future__ import annotations

from typing import Any

import yaml

import manifests
from e2e.kubectl_namespace import KubectlNamespace
from e2e.versions import IMAGE, version
from kube import phase_is
from localcluster import locations

EXAMPLE = locations.REPOSITORY / "deploy" / "examples" / "03-command"


def example(ns: KubectlNamespace, name: str, **spec: Any) -> None:
    manifest = yaml.safe_load((EXAMPLE / name).read_text())
    del manifest["metadata"]["namespace"]
    manifest["spec"] |= spec
    ns.apply(manifest)


def is_finished(state: str, build: int) -> Any:
    def holds(status: dict[str, Any]) -> bool:
        return (
            status.get("phase") == "Paused"
            and status["pausedReason"] == "Finished"
            and (status["state"]["state"], status["state"]["build"]) == (state, build)
        )

    return holds


def verdict(status: dict[str, Any]) -> tuple[str, str, bool]:
    """Ready, Succeeded, and whether the Task is stalled."""
    found = {condition["type"]: condition["status"] for condition in status["conditions"]}
    return found["Ready"], found["Succeeded"], "Stalled" in found


def test_a_command_finishes_the_workspace_stops_and_a_resume_runs_it_again(ns: KubectlNamespace) -> None:
    """K8"""
    example(ns, "templateversion.yaml")
    example(ns, "task.yaml")
    task = ns.wait("it has finished", is_finished("Complete", 1), task="count")
    assert task["status"]["state"]["message"] == "run number 1"
    assert task["status"]["build"]["reason"] == "Finished"
    assert verdict(task["status"]) == ("True", "True", False)
    assert task["status"]["promptSHA256"]
    assert ns.kube.list("pods", ns.name) == []
    spoken = [(message["role"], message["content"]) for message in ns.messages("count")]
    assert spoken == [("user", task["spec"]["prompt"]), ("agent", "run number 1")]

    ns.say("no-ear", "are you there?", task="count")
    ns.kube.wait("it is rejected", "taskinputs", ns.name, "no-ear", phase_is("Rejected"))

    example(ns, "input.yaml")
    task = ns.wait("it has finished again", is_finished("Complete", 3), task="count")
    assert task["status"]["state"]["message"] == "run number 2"
    ns.kube.wait("the input had its effect", "taskinputs", ns.name, "count-again", phase_is("Delivered"))

    ns.pause(True, task="count")
    ns.wait("it is paused by hand", lambda status: status["pausedReason"] == "Manual", task="count")
    ns.kubectl("patch", "task", "count", "--type=merge", "-p", '{"spec":{"prompt":"echo no >&2; exit 4"}}')
    ns.pause(False, task="count")
    task = ns.wait("it has failed", is_finished("Failed", 5), task="count")
    assert task["status"]["state"]["message"] == "Exit status 4: no"
    assert verdict(task["status"]) == ("False", "False", True)
    [_, (_, output)] = [(message["role"], message["content"]) for message in ns.messages("count")][-2:]
    assert "retry 1 of 1 in 10 s" in output
    assert task["status"]["inputs"]["queued"] == 0


def test_a_command_finishes_beside_a_container_that_never_ends(ns: KubectlNamespace) -> None:
    """K17"""
    beside = version("beside", agent={"command": ["bash", "-c", "echo done; exit 3"]})
    beside["spec"]["agent"] = {"protocol": "Command", "container": "agent"}
    proxy = {"name": "istio-proxy", "image": IMAGE, "imagePullPolicy": "IfNotPresent", "command": ["sleep", "infinity"]}
    beside["spec"]["pod"]["spec"]["containers"].append(proxy)
    ns.apply(beside, manifests.task(templateVersion="beside"))
    ns.wait("it has finished", is_finished("Failed", 1))
    assert ns.kube.list("pods", ns.name) == []
