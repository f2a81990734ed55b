"""The examples' agents on the local cluster: each image is built from its Dockerfile, each agent started with its
version's own command. Their model is a script in the Pod, so this tests what works without the vendor.

`make agents` runs them. They are not part of `make test`, which includes Claude Code (tests/e2e/test_claude_code.py).
"""

from __future__ import annotations

import pytest

from agents.programs import AGENTS, ALONE, PATIENCE
from e2e.examples import PROMPT, Example
from e2e.kubectl_namespace import KubectlNamespace

AGAIN = "what was the first question?"


@pytest.mark.parametrize("agent", ["codex", "gemini-cli", "opencode", "aider"])
def test_it_works_on_the_prompt_answers_pauses_and_continues_its_session(agent: str, ns: KubectlNamespace) -> None:
    folder, vendor = AGENTS[agent]
    example = Example(ns, folder)
    example.set_up("templateversion", environment=ALONE | vendor)
    example.begin()
    ns.wait_answer("I wrote hello.txt.", seconds=PATIENCE)
    ns.wait_state("Idle", build=1, seconds=PATIENCE)
    written = ns.inside("hello-1", "agent", "cat", "/home/agent/work/hello.txt")
    assert written.stdout == "hello there\n", written.stderr
    assert ns.said("user") == [PROMPT]

    ns.pause(True)
    ns.wait("it is paused", lambda status: status["phase"] == "Paused", seconds=PATIENCE)
    assert ns.said("user") == [PROMPT]
    assert any("I wrote hello.txt." in answer for answer in ns.said("agent"))

    ns.pause(False)
    ns.wait_state("Idle", build=3, seconds=PATIENCE)
    ns.say("again", AGAIN)
    ns.wait_answer("You first asked: Please write hello.txt", seconds=PATIENCE)
    ns.wait_state("Idle", build=3, seconds=PATIENCE)
    assert ns.said("user") == [PROMPT, AGAIN]
