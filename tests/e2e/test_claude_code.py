"""Claude Code from its package, in a terminal and over ACP, on the real node. Its model is a script in the Pod."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.examples import MODEL_URL, PROMPT, WORKING, Example
from e2e.kubectl_namespace import KubectlNamespace
from kube import Kube, phase_is

OVER_ACP = "structured"


@pytest.fixture(scope="module")
def claude(installation: Path, kube: Kube) -> Iterator[Example]:
    """The example in a namespace, with both of its versions and one image."""
    ns = KubectlNamespace(installation, kube, f"e2e-{uuid.uuid4().hex[:8]}")
    ns.create()
    example = Example(ns, "10-claude-code")
    example.set_up("templateversion", "templateversion-acp", environment={"ANTHROPIC_BASE_URL": MODEL_URL})
    yield example
    ns.remove()


def wait_delivered(ns: KubectlNamespace, name: str) -> None:
    ns.kube.wait("it is delivered", "taskinputs", ns.name, name, phase_is("Delivered"))


def test_claude_code_works_answers_pauses_and_continues_its_session(claude: Example) -> None:
    claude.begin()
    ns = claude.ns
    ns.wait("it works on the prompt", lambda s: s.get("state", {}).get("message") == WORKING)
    ns.wait_answer("I wrote hello.txt.")
    assert ns.inside("hello-1", "agent", "cat", "/home/agent/work/hello.txt").stdout == "hello there\n"
    task = ns.wait_state("Idle", build=1)
    assert "I wrote hello.txt." in task["status"]["state"]["message"]
    assert ns.said("user") == [PROMPT.strip()]

    ns.say("again", "what was the first question?")
    ns.wait_answer("● You first asked: Please write hello.txt")
    ns.wait_state("Idle", build=1)
    ns.pause(True)
    ns.wait("it is paused", lambda status: status["phase"] == "Paused")
    (greeting, *answers) = ns.said("agent")
    assert "Claude Code v" in greeting
    assert len(answers) == 2
    for answer in answers:
        assert answer.startswith("● "), answer
        for foreign in ("then stop.\n\n", "bypass permissions", "───"):
            assert foreign not in answer, answer

    ns.pause(False)
    ns.wait_state("Idle", build=3)
    ns.say("resumed", "and now, what was the first question?")
    wait_delivered(ns, "resumed")
    quoted: list[str] = []
    for _ in range(120):
        quoted = [answer for answer in ns.said("agent") if "You first asked: Please write hello.txt" in answer]
        if len(quoted) == 2:
            break
        time.sleep(0.5)
    ns.wait_state("Idle", build=3)
    assert len(quoted) == 2, "the session before the pause was lost"
    assert ns.said("user").count(PROMPT.strip()) == 1


def test_claude_code_over_acp_works_answers_pauses_and_continues_its_session(claude: Example) -> None:
    """No screen is read: tool calls and permissions are messages, the protocol resumes the session."""
    claude.begin(OVER_ACP, templateVersion="claude-code-acp-v1")
    ns = claude.ns
    ns.wait("it works on the prompt", lambda s: s.get("state", {}).get("message") == WORKING, task=OVER_ACP)
    ns.wait_answer("I wrote hello.txt.", task=OVER_ACP)
    written = ns.inside(f"{OVER_ACP}-1", "agent", "cat", "/home/agent/hello.txt")
    assert written.stdout == "hello there\n", written.stderr
    task = ns.wait_state("Idle", task=OVER_ACP, build=1)
    assert task["status"]["state"]["message"] == "I wrote hello.txt."
    assert ns.said("user", task=OVER_ACP) == [PROMPT.strip()]
    (answer,) = ns.said("agent", task=OVER_ACP)
    assert answer.splitlines()[0] == "I will write hello.txt."
    assert "hello.txt" in answer.splitlines()[1]
    assert "[permission: echo 'hello there' > hello.txt: Allow]" in answer
    assert answer.splitlines()[-1] == "I wrote hello.txt."

    ns.say("again-structured", "what was the first question?", task=OVER_ACP)
    ns.wait_answer("You first asked: Please write hello.txt", task=OVER_ACP)
    ns.wait_state("Idle", task=OVER_ACP, build=1)
    ns.pause(True, task=OVER_ACP)
    ns.wait("it is paused", lambda status: status["phase"] == "Paused", task=OVER_ACP)
    before = ns.said("agent", task=OVER_ACP)
    assert len(before) == 2

    ns.pause(False, task=OVER_ACP)
    ns.wait_state("Idle", task=OVER_ACP, build=3)
    ns.say("resumed-structured", "and now, recall the first question", task=OVER_ACP)
    wait_delivered(ns, "resumed-structured")
    ns.kube.wait(
        "it remembers",
        "configmaps",
        ns.name,
        f"{OVER_ACP}-snapshot",
        lambda _: any("Please write hello.txt" in answer for answer in ns.said("agent", task=OVER_ACP)[2:]),
        60,
    )
    ns.wait_state("Idle", task=OVER_ACP, build=3)
    assert ns.said("agent", task=OVER_ACP)[:2] == before
    assert ns.said("user", task=OVER_ACP).count(PROMPT.strip()) == 1
