"""Agents that are commands: they run once to their end, and the workspace stops by itself."""

from __future__ import annotations

from typing import Any

import yaml

from e2e.yard import Yard
from kube import phase_is
from localcluster import locations

EXAMPLE = locations.REPOSITORY / "deploy" / "examples" / "03-command"


def example(yard: Yard, name: str, **spec: Any) -> None:
    manifest = yaml.safe_load((EXAMPLE / name).read_text())
    del manifest["metadata"]["namespace"]
    manifest["spec"] |= spec
    yard.apply(manifest)


def is_finished(state: str, build: int) -> Any:
    def holds(status: dict[str, Any]) -> bool:
        return (
            status.get("phase") == "Paused"
            and status["pausedReason"] == "Finished"
            and (status["state"]["state"], status["state"]["build"]) == (state, build)
        )

    return holds


def test_a_command_runs_to_its_end_stops_and_is_run_again(yard: Yard) -> None:
    example(yard, "templateversion.yaml")
    example(yard, "task.yaml")
    task = yard.wait("it has finished", is_finished("Complete", 1), task="count")
    assert task["status"]["state"]["message"] == "run number 1"
    assert task["status"]["build"]["reason"] == "Finished"
    assert task["status"]["promptSHA256"]
    assert yard.kube.list("pods", yard.namespace) == []
    spoken = [(message["role"], message["content"]) for message in yard.messages("count")]
    assert spoken == [("user", task["spec"]["prompt"]), ("agent", "run number 1")]

    yard.say("no-ear", "are you there?", task="count")
    yard.kube.wait("it is rejected", "taskinputs", yard.namespace, "no-ear", phase_is("Rejected"))

    example(yard, "input.yaml")
    task = yard.wait("it has finished again", is_finished("Complete", 3), task="count")
    assert task["status"]["state"]["message"] == "run number 2"
    yard.kube.wait("the input had its effect", "taskinputs", yard.namespace, "count-again", phase_is("Delivered"))

    yard.pause(True, task="count")
    yard.wait("it is paused by hand", lambda status: status["pausedReason"] == "Manual", task="count")
    yard.kubectl("patch", "task", "count", "--type=merge", "-p", '{"spec":{"prompt":"echo no >&2; exit 4"}}')
    yard.pause(False, task="count")
    task = yard.wait("it has failed", is_finished("Failed", 5), task="count")
    assert task["status"]["state"]["message"] == "Exit status 4: no"
    [_, (_, output)] = [(message["role"], message["content"]) for message in yard.messages("count")][-2:]
    assert "retry 1 of 1 in 10 s" in output
    assert task["status"]["inputs"]["queued"] == 0
