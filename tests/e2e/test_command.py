"""Agents that are commands: they run once, and the workspace stops when they end."""

from __future__ import annotations

from typing import Any

import yaml

from e2e.kubectl_namespace import KubectlNamespace
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


def test_a_command_finishes_the_workspace_stops_and_a_resume_runs_it_again(ns: KubectlNamespace) -> None:
    example(ns, "templateversion.yaml")
    example(ns, "task.yaml")
    task = ns.wait("it has finished", is_finished("Complete", 1), task="count")
    assert task["status"]["state"]["message"] == "run number 1"
    assert task["status"]["build"]["reason"] == "Finished"
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
    [_, (_, output)] = [(message["role"], message["content"]) for message in ns.messages("count")][-2:]
    assert "retry 1 of 1 in 10 s" in output
    assert task["status"]["inputs"]["queued"] == 0
