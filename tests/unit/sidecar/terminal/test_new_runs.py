"""An agent that ends in the middle of a turn and begins anew says so.

Real programs behind the real taskyard-init and sidecar; each test names the case that it holds.
"""

from __future__ import annotations

from unit.sidecar.pod import SHELL, Pod, until
from unit.sidecar.terminal.agent import start


def test_agent_that_begins_anew_in_a_turn_says_so(pod: Pod) -> None:
    """T17"""
    start(pod, *SHELL, prompt="sleep 60")
    until("the prompt", lambda: pod.gateway.last_report.get("prompt_sha256"))
    assert pod.agent is not None
    pod.agent.kill()
    pod.agent.wait()
    pod.start_agent(SHELL)
    until("the new run", lambda: pod.gateway.last_report["state"] == "idle")
    assert pod.gateway.last_report["message"].startswith("The agent began anew")
    assert [content for role, content in pod.contents() if role == "user"] == ["sleep 60"]
    pod.post("echo on")
    until("the answer", lambda: pod.gateway.last_report["message"] == "on")


def test_agent_that_begins_anew_twice_still_says_what_was_cut_short(pod: Pod) -> None:
    """T17: no message came between, so that is still the news; a message ends it."""
    start(pod, *SHELL, prompt="sleep 60")
    until("the prompt", lambda: pod.gateway.last_report.get("prompt_sha256"))
    for _ in range(2):
        assert pod.agent is not None
        pod.agent.kill()
        pod.agent.wait()
        told = len(pod.gateway.reports)
        pod.start_agent(SHELL)
        until("the new run", lambda told=told: pod.gateway.reports[told:] and pod.status() == "stable")
        assert pod.gateway.last_report["message"].startswith("The agent began anew in the middle of a turn")
    pod.post("echo on")
    until("the answer", lambda: pod.gateway.last_report["message"] == "on")


def test_agent_that_begins_anew_after_a_restart_of_the_sidecar_says_so(pod: Pod) -> None:
    """T17"""
    start(pod, *SHELL, prompt="echo done")
    until("the answer", lambda: pod.gateway.last_report.get("message") == "done")
    pod.kill_sidecar()
    pod.start_sidecar()
    pod.until_stable()
    assert pod.agent is not None
    pod.agent.kill()
    pod.agent.wait()
    pod.start_agent(SHELL)
    until("the notice", lambda: pod.gateway.last_report["message"].startswith("The agent began anew"))


def test_pause_in_a_turn_is_told_after_it(pod: Pod) -> None:
    """A9"""
    start(pod, *SHELL, prompt="sleep 60")
    until("the prompt", lambda: pod.gateway.last_report.get("prompt_sha256"))
    pod.stop_agent()
    pod.kill_sidecar(15)
    pod.start_agent(SHELL)
    pod.start_sidecar(TASKYARD_BUILD_NUMBER="3")
    until("the new run", lambda: pod.gateway.last_report["state"] == "idle")
    assert pod.gateway.last_report["message"].startswith("Interrupted by the pause")
