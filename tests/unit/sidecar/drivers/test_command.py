"""Commands that run once, through the real taskyard-init and the real sidecar."""

from __future__ import annotations

import hashlib
import signal
from typing import Any
from unittest.mock import MagicMock

import pytest

from taskyard.sidecar.drivers.command import CommandDriver
from taskyard.sidecar.init import frames
from taskyard.sidecar.init.client import AgentClient
from unit.sidecar.pod import Pod, until

PIPES = ("--pipes", "--merge")


def run(pod: Pod, script: str, *options: str) -> None:
    pod.start_agent(("bash", "-c", script), options=(*PIPES, *options))
    pod.start_sidecar(TASKYARD_AGENT_PROTOCOL="Command")


def last_report(pod: Pod, state: str) -> dict[str, Any]:
    until(f"the state {state}", lambda: pod.gateway.last_report.get("state") == state)
    return pod.gateway.reports[-1]


def test_command_gets_the_prompt_and_its_output_is_the_answer(pod: Pod) -> None:
    pod.gateway.prompt = "say hello"
    run(pod, 'echo "asked to $TASKYARD_TASK_PROMPT"; echo trouble >&2; cat; echo done')
    report = last_report(pod, "complete")
    assert report == {
        "app_slug": "taskyard",
        "state": "complete",
        "message": "done",
        "uri": "",
        "prompt_sha256": hashlib.sha256(b"say hello").hexdigest(),
    }
    assert pod.contents() == [("user", "say hello"), ("agent", "asked to say hello\ntrouble\ndone")]
    assert pod.status() == "stable"
    assert pod.health("/readyz").status_code == 200
    assert pod.agent is not None
    assert pod.agent.wait(5) == 0
    until("the last snapshot", lambda: {"messages": pod.messages()} in pod.gateway.snapshots)
    assert pod.kill_sidecar(signal.SIGTERM) == 0


async def test_a_command_is_started_in_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one may fail since the command has ended, and taskyard-init with it: its result would not be read."""
    sent: list[bytes] = []

    async def send(client: AgentClient, data: bytes) -> None:
        sent.append(data)

    monkeypatch.setattr(AgentClient, "_send", send)
    driver = CommandDriver("/nowhere", "say hello", MagicMock())
    await driver.hello(frames.Hello(frames.State.WAITING, "run", columns=0, rows=0, total=0, replayed=0))
    assert sent == [frames.go({}, "say hello") + frames.end_of_input()]


def test_last_line_of_a_failed_command_is_reported(pod: Pod) -> None:
    run(pod, "echo some work; echo no such file >&2; exit 3")
    assert last_report(pod, "failure")["message"] == "Exit status 3: no such file"
    assert pod.contents() == [("agent", "some work\nno such file")]


def test_messages_are_refused_while_it_runs_and_after(pod: Pod) -> None:
    run(pod, "trap 'echo interrupted; exit 1' INT; echo working; while :; do sleep 0.05; done")
    until("it to work", lambda: pod.contents() == [("agent", "working")])
    last_report(pod, "working")
    answer = pod.post("do this too", key="a")
    assert (answer.status_code, answer.json()["detail"]) == (409, "the command runs and takes no messages")
    answer = pod.post("x", key="b", kind="raw")
    assert (answer.status_code, answer.json()["detail"]) == (422, "a command takes no keystrokes but Ctrl-C")
    answer = pod.post("/compact", key="d", kind="control")
    assert (answer.status_code, answer.json()["detail"]) == (422, "a command has no prompt for input of type control")
    assert pod.post("\x03", key="c", kind="raw").json() == {"ok": True}
    assert last_report(pod, "failure")["message"] == "Exit status 1: interrupted"
    answer = pod.post("do this too", key="a")
    assert (answer.status_code, answer.json()["detail"]) == (409, "the command has finished")


def test_restarted_sidecar_finds_the_command_running(pod: Pod) -> None:
    pod.gateway.prompt = "count"
    run(pod, "echo one; while ! test -e go; do sleep 0.05; done; echo two")
    until("it to work", lambda: ("agent", "one") in pod.contents())
    pod.kill_sidecar()
    pod.start_sidecar(TASKYARD_AGENT_PROTOCOL="Command")
    until("it to be back", lambda: pod.status() == "running")
    (pod.home / "go").touch()
    assert last_report(pod, "complete")["message"] == "two"
    assert pod.contents() == [("user", "count"), ("agent", "one\ntwo")]


def test_each_run_has_the_prompt_and_an_answer_of_its_own(pod: Pod) -> None:
    pod.gateway.prompt = "once more"
    for number in (1, 2):
        run(pod, f"echo run {number}")
        wanted = f"run {number}"
        until("the run to end", lambda wanted=wanted: wanted in {report["message"] for report in pod.gateway.reports})
        pod.kill_sidecar(signal.SIGTERM)
        # taskyard-init removes its socket when it ends.
        assert pod.agent is not None
        assert pod.agent.wait(10) == 0
    told = [(message["role"], message["content"]) for message in pod.gateway.snapshots[-1]["messages"]]
    assert told == [("user", "once more"), ("agent", "run 1"), ("user", "once more"), ("agent", "run 2")]


def test_retries_are_one_run(pod: Pod) -> None:
    pod.gateway.prompt = "try"
    run(pod, "echo attempt; test -e there || { touch there; exit 1; }", "--retries", "1", "--retry-after", "0.2")
    assert last_report(pod, "complete")["message"] == "attempt"
    [_, (_, output)] = pod.contents()
    assert output.splitlines() == ["attempt", "", "[taskyard: ended with status 1; retry 1 of 1 in 0.2 s]", "attempt"]
    assert "failure" not in {report["state"] for report in pod.gateway.reports}


@pytest.mark.parametrize("told_first", ["the sidecar", "the command"])
def test_command_that_is_asked_to_end_has_no_result(pod: Pod, told_first: str) -> None:
    run(pod, "echo working; while :; do sleep 0.05; done")
    until("it to work", lambda: pod.contents() == [("agent", "working")])
    if told_first == "the sidecar":
        assert pod.health("/prestop").status_code == 200
    assert pod.stop_agent() == 143
    assert pod.kill_sidecar(signal.SIGTERM) == 0
    assert {report["state"] for report in pod.gateway.reports} == {"working"}


def test_long_output_is_bounded(pod: Pod) -> None:
    run(pod, "seq 2000000; echo last")
    assert last_report(pod, "complete")["message"] == "last"
    [(_, output)] = pod.contents()
    assert len(output) < 70_000
    assert output.endswith("1999999\n2000000\nlast")
