"""Agents with a server of their own: a scripted one, under the real taskyard-init, with the real sidecar."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from ports import free_port
from unit.sidecar.pod import Pod, until

AGENT = Path(__file__).with_name("agentapi_agent.py")


@pytest.fixture
def port() -> int:
    return free_port()


def start_agent(pod: Pod, port: int, *arguments: str) -> None:
    pod.start_agent((sys.executable, str(AGENT), str(port), *arguments))


def start_sidecar(pod: Pod, port: int) -> None:
    pod.start_sidecar(TASKYARD_AGENT_PROTOCOL="AgentAPI", TASKYARD_AGENT_PORT=str(port))


def posted(pod: Pod) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (pod.home / "posted").read_text().splitlines()]


def test_conversation_goes_through_the_agents_server(pod: Pod, port: int) -> None:
    pod.gateway.prompt = "do it"
    start_agent(pod, port)
    start_sidecar(pod, port)
    pod.until_stable()
    until("the answer", lambda: pod.contents()[-1:] == [("agent", "DO IT")])
    assert pod.contents() == [("agent", "hello, I am here"), ("user", "do it"), ("agent", "DO IT")]
    assert pod.get("/status") == {"status": "stable", "agent_type": "goose", "transport": "pty"}
    assert pod.post("\x03", kind="raw").json() == {"ok": True}
    assert pod.post("more", key="a").json() == pod.post("more", key="a").json() == {"ok": True}
    until("the next answer", lambda: pod.contents()[-1:] == [("agent", "MORE")])
    pod.until_stable()
    assert pod.post("/more", key="c", kind="control").json() == {"ok": True}
    until("the answer to a command", lambda: pod.contents()[-1:] == [("agent", "/MORE")])
    assert [message["content"] for message in posted(pod)] == ["do it", "\x03", "more", "/more"]
    assert posted(pod)[-1]["type"] == "user"
    assert pod.post("refuse", key="b").status_code == 422
    until("the idle state", lambda: pod.gateway.last_report.get("state") == "idle")


@pytest.mark.parametrize(
    ("agent_type", "refused"),
    [("claude", ["!touch bang", "/help", " exit"]), ("gemini", ["!ls", "/help"]), ("goose", [])],
)
def test_what_the_servers_program_would_run_is_no_message(
    pod: Pod, port: int, agent_type: str, refused: list[str]
) -> None:
    """A1, A2: over AgentAPI too, by the type that the server tells."""
    start_agent(pod, port, f"--type={agent_type}")
    start_sidecar(pod, port)
    pod.until_stable()
    for content in refused:
        answer = pod.post(content)
        assert answer.status_code == 422 and "type Control" in answer.text
    said = ["look at @notes.txt", "a / b", *([] if refused else ["!touch bang"])]
    for content in said:
        assert pod.post(content).json() == {"ok": True}
        pod.until_stable()
    assert pod.post("/compact", kind="control").json() == {"ok": True}
    assert [message["content"] for message in posted(pod)] == [*said, "/compact"]


def test_message_for_a_working_agent_waits(pod: Pod, port: int) -> None:
    start_agent(pod, port, "--race")
    start_sidecar(pod, port)
    pod.until_stable()
    assert pod.post("first").json() == {"ok": True}
    until("the answer", lambda: pod.contents()[-1:] == [("agent", "FIRST")])
    assert [message["content"] for message in posted(pod)] == ["first", "first"]
    pod.until_stable()
    assert pod.post("busy").json() == {"ok": True}
    assert pod.post("too soon").status_code == 409
    (pod.home / "go").touch()
    until("it to be done", lambda: pod.contents()[-1:] == [("agent", "BUSY")])


def test_killed_sidecar_continues(pod: Pod, port: int) -> None:
    pod.gateway.prompt = "busy"
    start_agent(pod, port)
    start_sidecar(pod, port)
    until("it to work", lambda: pod.contents()[-1:] == [("user", "busy")] and (pod.home / "posted").exists())
    pod.kill_sidecar()
    start_sidecar(pod, port)
    (pod.home / "go").touch()
    until("the answer", lambda: pod.contents()[-1:] == [("agent", "BUSY")])
    assert len(posted(pod)) == 1


def test_end_of_the_server_is_noticed_and_what_a_new_one_remembers_is_not_repeated(pod: Pod, port: int) -> None:
    start_agent(pod, port)
    start_sidecar(pod, port)
    pod.until_stable()
    pod.post("die")
    until("it to be gone", lambda: pod.health("/readyz").status_code != 200)
    told = pod.contents()
    start_agent(pod, port, "--remember")
    pod.until_stable()
    assert pod.contents() == told
    pod.post("again")
    until("the answer", lambda: pod.contents()[-1:] == [("agent", "AGAIN")])
