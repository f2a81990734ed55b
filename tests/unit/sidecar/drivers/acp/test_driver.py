"""Agents that speak ACP: a scripted one, under the real taskyard-init, with the real sidecar."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from unit.sidecar.pod import Pod, until

AGENT = Path(__file__).with_name("acp_agent.py")


def start_agent(pod: Pod, *arguments: str) -> None:
    pod.start_agent((sys.executable, str(AGENT), *arguments), options=("--pipes",))


def start_sidecar(pod: Pod, permissions: str = "allow") -> None:
    pod.start_sidecar(
        TASKYARD_AGENT_PROTOCOL="ACP", TASKYARD_AGENT_PERMISSIONS=permissions, TASKYARD_AGENT_DIRECTORY=str(pod.home)
    )


def start(pod: Pod, *arguments: str, permissions: str = "allow") -> None:
    start_agent(pod, *arguments)
    start_sidecar(pod, permissions)
    pod.until_stable()


def received(pod: Pod, method: str) -> list[dict[str, Any]]:
    lines = (pod.home / "received").read_text().splitlines()
    return [message["params"] for message in map(json.loads, lines) if message.get("method") == method]


def said(pod: Pod) -> str:
    return str(pod.contents()[-1][1])


def question(pod: Pod) -> dict[str, Any]:
    until("the question", lambda: pod.gateway.last_report.get("question"))
    found: dict[str, Any] = pod.gateway.reports[-1]["question"]
    return found


def answer(pod: Pod, answers: str, content: str, key: str | None = None) -> httpx.Response:
    return pod.post(content, key=key, answers=answers)


def test_conversation_has_text_plan_and_tools(pod: Pod) -> None:
    pod.gateway.prompt = "say I begin;think;plan mend,test;tool edit door.py;say done now"
    start(pod)
    assert pod.contents() == [
        ("user", pod.gateway.prompt),
        ("agent", "I begin \nPlan:\n[x] mend\n[ ] test\n✓ edit door.py\ndone now"),
    ]
    until("the idle state", lambda: pod.gateway.last_report.get("state") == "idle")
    assert pod.gateway.reports[-1]["message"] == "done now"
    assert pod.get("/status") == {"status": "stable", "agent_type": "custom", "transport": "acp"}
    [opened] = received(pod, "session/new")
    assert opened["cwd"] == str(pod.home)
    assert [server["name"] for server in opened["mcpServers"]] == ["taskyard"]
    assert pod.post("say more", key="a", kind="control").json() == {"ok": True}
    until("the answer", lambda: said(pod) == "more")


def test_what_the_agent_would_run_as_a_command_of_its_own_is_no_message(pod: Pod) -> None:
    """A1, A2: over ACP too, as far as the agent tells its commands; a sidecar that starts anew remembers them."""
    start(pod)
    pod.post("commands logout,plan;say told")
    pod.until_stable()
    for _ in range(2):
        for content in ("/logout", " /plan mend it\nnow"):
            refused = pod.post(content)
            assert refused.status_code == 422 and "type Control" in refused.text
        for content in ("/etc/hostname is a file", "/planning", "say /logout"):
            assert pod.post(content).json() == {"ok": True}
            pod.until_stable()
        pod.kill_sidecar()
        start_sidecar(pod)
        pod.until_stable()
    assert pod.post("/logout", kind="control").json() == {"ok": True}
    pod.until_stable()
    assert received(pod, "session/prompt")[-1]["prompt"] == [{"type": "text", "text": "/logout"}]


def test_prompt_that_the_agent_would_run_as_a_command_is_refused(pod: Pod) -> None:
    """A1"""
    start(pod)
    pod.post("commands logout;say told")
    pod.until_stable()
    pod.kill_sidecar()
    pod.gateway.prompt = "/logout"
    start_sidecar(pod)
    until("the reason", lambda: "type Control" in pod.gateway.last_report.get("message", ""))
    assert pod.gateway.last_report["state"] == "failure"


def test_working_agent_takes_no_message_but_can_be_stopped(pod: Pod) -> None:
    start(pod)
    assert pod.post("say busy;wait go;say over").json() == {"ok": True}
    until("it to work", lambda: said(pod) == "busy")
    assert (pod.status(), pod.post("more").status_code) == ("running", 409)
    assert pod.post("abc", kind="raw").status_code == 422
    assert pod.post("\x03", kind="raw").json() == {"ok": True}
    pod.until_stable()
    assert said(pod) == "busy \n[stopped: cancelled]"


@pytest.mark.parametrize(
    ("permissions", "option"),
    [pytest.param("allow", "once", id="allow"), pytest.param("deny", "never", id="deny")],
)
def test_permissions_by_policy(pod: Pod, permissions: str, option: str) -> None:
    pod.gateway.prompt = "ask rm -rf"
    start(pod, permissions=permissions)
    assert f'got {{"outcome": "selected", "optionId": "{option}"}}' in said(pod)
    until("a report", lambda: pod.gateway.reports)
    assert "question" not in pod.gateway.reports[-1]
    assert answer(pod, "q-1", "yes").status_code == 422


@pytest.mark.parametrize(
    ("content", "option"),
    [
        pytest.param("Always allow", "always", id="the name"),
        pytest.param("never", "never", id="the id"),
        pytest.param("yes", "once", id="yes"),
        pytest.param("No.", "never", id="no"),
    ],
)
def test_question_waits_for_a_person(pod: Pod, content: str, option: str) -> None:
    pod.gateway.prompt = "say first;ask rm -rf;say last"
    start_agent(pod)
    start_sidecar(pod, "ask")
    asked = question(pod)
    assert asked["text"] == "rm -rf"
    assert [choice["name"] for choice in asked["options"]] == ["Always allow", "Allow", "Reject"]
    assert "rm -rf" in pod.gateway.reports[-1]["message"]
    assert pod.post("yes").status_code == 409, "another message was taken"
    assert answer(pod, "q-other", "yes").status_code == 422
    refused = answer(pod, asked["id"], "perhaps", key="p")
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        'the answer must be one of "Always allow", "Allow", "Reject", yes or no',
    )
    assert answer(pod, asked["id"], content, key="k").json() == {"ok": True}
    pod.until_stable()
    assert answer(pod, asked["id"], content, key="k").json() == {"ok": True}, "the answer was not recognised by its key"
    assert answer(pod, asked["id"], content, key="l").status_code == 422, "the question is still open"
    assert f'"optionId": "{option}"' in said(pod)
    assert [role for role, _ in pod.contents()] == ["user", "agent", "user", "agent"]
    until("the report without a question", lambda: pod.gateway.reports[-1]["question"] is None)


def test_killed_sidecar_continues_in_the_middle_of_a_turn(pod: Pod) -> None:
    pod.gateway.prompt = "say one;ask first;wait go;say two"
    start_agent(pod)
    start_sidecar(pod, "ask")
    asked = question(pod)
    pod.kill_sidecar()
    start_sidecar(pod, "ask")
    until("the API", lambda: pod.status() == "running")
    assert answer(pod, asked["id"], "yes", key="k").json() == {"ok": True}
    until("the answer to arrive", lambda: "got" in said(pod))
    pod.kill_sidecar()
    start_sidecar(pod, "ask")
    until("the API", lambda: pod.status() == "running")
    assert answer(pod, asked["id"], "yes", key="l").status_code == 422
    (pod.home / "go").touch()
    pod.until_stable()
    assert said(pod).endswith("two")
    assert len(received(pod, "session/prompt")) == 1
    assert len(received(pod, "initialize")) == 1
    assert pod.post("say three").json() == {"ok": True}
    until("the next turn", lambda: said(pod) == "three")


@pytest.mark.parametrize(
    ("argument", "method"),
    [
        pytest.param("--load", "session/load", id="it replays the session"),
        pytest.param("--resume", "session/resume", id="it resumes the session"),
    ],
)
def test_session_outlives_the_agent(pod: Pod, argument: str, method: str) -> None:
    pod.gateway.prompt = "say remember"
    start(pod, argument)
    before = pod.contents()
    pod.stop_agent()
    start_agent(pod, argument)
    until("the agent to be back", lambda: len(received(pod, "initialize")) == 2)
    pod.until_stable()
    assert received(pod, method)[0]["sessionId"] == "session-1"
    assert len(received(pod, "session/new")) == 1
    assert pod.contents() == before, "the replay was taken for news"
    assert len(received(pod, "session/prompt")) == 1
    pod.post("say on")
    until("the answer", lambda: said(pod) == "on")


def test_agent_that_cannot_resume_gets_a_new_session(pod: Pod) -> None:
    start(pod, "--no-load")
    pod.stop_agent()
    start_agent(pod, "--no-load")
    until("the agent to be back", lambda: len(received(pod, "session/new")) == 2)
    pod.until_stable()


def test_agent_that_requires_a_login_is_reported(pod: Pod) -> None:
    start_agent(pod, "--login")
    start_sidecar(pod)
    until(
        "the error to be reported",
        lambda: "Authentication required" in pod.gateway.last_report.get("message", ""),
    )
    assert pod.status() == "running"


def test_error_and_end_of_the_agent_are_noticed(pod: Pod) -> None:
    start(pod)
    pod.post("say so far;fail")
    pod.until_stable()
    until("the error", lambda: said(pod) == "so far \n[error: the model is away]")
    pod.post("say again;die")
    until("it to be gone", lambda: pod.health("/readyz").status_code != 200)
    assert pod.agent is not None
    assert pod.agent.wait(5) == 3
    start_agent(pod)
    pod.until_stable()
    assert len(received(pod, "session/prompt")) == 2, "a prompt was sent again"


def test_a_method_that_is_not_offered_is_refused(pod: Pod) -> None:
    pod.gateway.prompt = "read /etc/passwd"
    start(pod)
    assert said(pod) == "-32601"


def test_broken_lines_are_skipped(pod: Pod) -> None:
    script = f"echo not json; echo '[1]'; echo '{{}}'; exec {sys.executable} {AGENT}"
    pod.start_agent(("bash", "-c", script), options=("--pipes",))
    start_sidecar(pod)
    pod.until_stable()
    pod.post("say fine")
    until("the answer", lambda: said(pod) == "fine")
