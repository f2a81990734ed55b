"""Claude Code from its package, in a terminal and over ACP, on the real node. Its model is a script in the Pod."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.examples import MODEL_URL, PROMPT, WORKING, Example
from e2e.yard import Yard
from kube import Kube, phase_is

OVER_ACP = "structured"


@pytest.fixture(scope="module")
def claude(installation: Path, kube: Kube) -> Iterator[Example]:
    """A namespace with the example in it, both of its versions; one image for both."""
    yard = Yard(installation, kube, f"e2e-{uuid.uuid4().hex[:8]}")
    yard.create()
    example = Example(yard, "10-claude-code")
    example.set_up("templateversion", "templateversion-acp", environment={"ANTHROPIC_BASE_URL": MODEL_URL})
    yield example
    yard.remove()


def wait_delivered(yard: Yard, name: str) -> None:
    yard.kube.wait("it is delivered", "taskinputs", yard.namespace, name, phase_is("Delivered"))


def test_claude_code_works_answers_pauses_and_goes_on_with_its_session(claude: Example) -> None:
    claude.begin()
    yard = claude.yard
    yard.wait("it works on the prompt", lambda s: s.get("state", {}).get("message") == WORKING)
    yard.wait_answer("I wrote hello.txt.")
    assert yard.inside("hello-1", "agent", "cat", "/home/agent/work/hello.txt").stdout == "hello there\n"
    task = yard.wait_state("Idle", build=1)
    assert "I wrote hello.txt." in task["status"]["state"]["message"]
    assert yard.said("user") == [PROMPT.strip()]

    yard.say("again", "what was the first question?")
    yard.wait_answer("● You first asked: Please write hello.txt")
    yard.wait_state("Idle", build=1)
    yard.pause(True)
    yard.wait("it is paused", lambda status: status["phase"] == "Paused")
    (greeting, *answers) = yard.said("agent")
    assert "Claude Code v" in greeting
    assert len(answers) == 2
    for answer in answers:
        assert answer.startswith("● "), answer
        for foreign in ("then stop.\n\n", "bypass permissions", "───"):
            assert foreign not in answer, answer

    yard.pause(False)
    yard.wait_state("Idle", build=3)
    yard.say("resumed", "and now, what was the first question?")
    wait_delivered(yard, "resumed")
    quoted: list[str] = []
    for _ in range(120):
        quoted = [answer for answer in yard.said("agent") if "You first asked: Please write hello.txt" in answer]
        if len(quoted) == 2:
            break
        time.sleep(0.5)
    yard.wait_state("Idle", build=3)
    assert len(quoted) == 2, "the session before the pause is forgotten"
    assert yard.said("user").count(PROMPT.strip()) == 1


def test_claude_code_over_acp_works_answers_pauses_and_goes_on_with_its_session(claude: Example) -> None:
    """No screen is read: tools and permissions are messages, the session is taken up by the protocol."""
    claude.begin(OVER_ACP, templateVersion="claude-code-acp-v1")
    yard = claude.yard
    yard.wait("it works on the prompt", lambda s: s.get("state", {}).get("message") == WORKING, task=OVER_ACP)
    yard.wait_answer("I wrote hello.txt.", task=OVER_ACP)
    written = yard.inside(f"{OVER_ACP}-1", "agent", "cat", "/home/agent/hello.txt")
    assert written.stdout == "hello there\n", written.stderr
    task = yard.wait_state("Idle", task=OVER_ACP, build=1)
    assert task["status"]["state"]["message"] == "I wrote hello.txt."
    assert yard.said("user", task=OVER_ACP) == [PROMPT.strip()]
    (answer,) = yard.said("agent", task=OVER_ACP)
    assert answer.splitlines()[0] == "I will write hello.txt."
    assert "hello.txt" in answer.splitlines()[1]
    assert "[permission: echo 'hello there' > hello.txt: Allow]" in answer
    assert answer.splitlines()[-1] == "I wrote hello.txt."

    yard.say("again-structured", "what was the first question?", task=OVER_ACP)
    yard.wait_answer("You first asked: Please write hello.txt", task=OVER_ACP)
    yard.wait_state("Idle", task=OVER_ACP, build=1)
    yard.pause(True, task=OVER_ACP)
    yard.wait("it is paused", lambda status: status["phase"] == "Paused", task=OVER_ACP)
    before = yard.said("agent", task=OVER_ACP)
    assert len(before) == 2

    yard.pause(False, task=OVER_ACP)
    yard.wait_state("Idle", task=OVER_ACP, build=3)
    yard.say("resumed-structured", "and now, recall the first question", task=OVER_ACP)
    wait_delivered(yard, "resumed-structured")
    yard.kube.wait(
        "it remembers",
        "configmaps",
        yard.namespace,
        f"{OVER_ACP}-snapshot",
        lambda _: any("Please write hello.txt" in answer for answer in yard.said("agent", task=OVER_ACP)[2:]),
        60,
    )
    yard.wait_state("Idle", task=OVER_ACP, build=3)
    assert yard.said("agent", task=OVER_ACP)[:2] == before
    assert yard.said("user", task=OVER_ACP).count(PROMPT.strip()) == 1
