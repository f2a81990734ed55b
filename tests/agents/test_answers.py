"""What is read off the screens of the examples' agents, in conversations whose earlier messages stand on the screen."""

from __future__ import annotations

import pytest

from agents.programs import AGENTS, ALONE, PATIENCE
from e2e.examples import Example
from e2e.kubectl_namespace import KubectlNamespace
from taskyard.sidecar.screen.generic_answer import CUT_NOTE

FAREWELLS = ("Resume this session", "claude --resume", "opencode -s", "Goodbye")
LINES = "\n".join([*(f"pasted line {number}" for number in range(1, 201)), "recite"])


def begun(ns: KubectlNamespace, agent: str) -> None:
    folder, vendor = AGENTS[agent]
    example = Example(ns, folder)
    example.set_up("templateversion", environment=ALONE | vendor)
    example.begin(prompt="hello")
    ns.wait_answer("You said: hello", seconds=PATIENCE)
    ns.wait_state("Idle", build=1, seconds=PATIENCE)


def answered(ns: KubectlNamespace, name: str, content: str, last: str, *, build: int = 1) -> str:
    """The answer to a message, once it ends in `last` and the agent is idle."""
    before = len(ns.said("user"))
    ns.say(name, content)
    ns.wait(f"{name} is said", lambda status: len(ns.said("user")) > before, seconds=PATIENCE)
    ns.wait(f"{name} is answered", lambda status: ns.said("agent")[-1].rstrip().endswith(last), seconds=PATIENCE)
    ns.wait_state("Idle", build=build, seconds=PATIENCE)
    return ns.said("agent")[-1]


@pytest.mark.parametrize("agent", ["claude-code", "codex", "gemini-cli", "opencode"])
def test_answer_is_what_came_after_its_message(agent: str, ns: KubectlNamespace) -> None:
    """A6, A9, A10, A11, T16"""
    begun(ns, agent)
    first = answered(ns, "first", "continue", "You said: continue")
    assert answered(ns, "again", "continue", "You said: continue") == first
    answered(ns, "three", "count 3", "3. line of the count")
    five = answered(ns, "five", "count 5", "5. line of the count")
    assert [line.split()[-5] for line in five.split("\n")] == ["1.", "2.", "3.", "4.", "5."]
    ns.kill_sidecar("hello-1")
    assert answered(ns, "third", "continue", "You said: continue") == first

    answered(ns, "explain", "explain", "wrap it.")
    message = ns.wait_state("Idle", build=1, seconds=PATIENCE)["status"]["state"]["message"]
    assert message.startswith("The last sentence of this answer")
    assert message.endswith("a program must wrap it.")
    pasted = answered(ns, "pasted", LINES, "That is all.")
    assert "Pasted" not in pasted
    assert "pasted line" not in pasted

    ns.say("quote", "quote")
    ns.wait_answer("2. Second", seconds=PATIENCE)
    asked: list[str] = []
    ns.say("after-quote", "hello again")

    def answered_without_a_question(status: dict[str, dict[str, str]]) -> bool:
        message = status.get("state", {}).get("message", "")
        asked.extend([message] if message.startswith("Asks:") else [])
        return "You said: hello again" in ns.said("agent")[-1]

    ns.wait("it answers after the list", answered_without_a_question, seconds=PATIENCE)
    assert asked == []

    ns.say("interrupted", "think 90")
    ns.wait("it works", lambda status: status["state"]["message"] == "think 90", seconds=PATIENCE)
    ns.pause(True)
    ns.wait("it is paused", lambda status: status["phase"] == "Paused", seconds=PATIENCE)
    ns.pause(False)
    ns.wait_state("Idle", build=3, seconds=PATIENCE)
    assert not any(farewell in answer for answer in ns.said("agent") for farewell in FAREWELLS)


@pytest.mark.parametrize("agent", ["codex"])
def test_long_answer_has_a_note_and_is_not_said_twice(agent: str, ns: KubectlNamespace) -> None:
    """A7, A13"""
    begun(ns, agent)
    long = answered(ns, "long", "count 1500", "1500. line of the count")
    assert long.startswith(CUT_NOTE)
    said = ns.said("agent")
    ns.pause(True)
    ns.wait("it is paused", lambda status: status["phase"] == "Paused", seconds=PATIENCE)
    ns.pause(False)
    ns.wait_state("Idle", build=3, seconds=PATIENCE)
    assert "line of the count" not in "".join(ns.said("agent")[len(said) :])
    assert answered(ns, "after", "hello", "You said: hello", build=3).endswith("You said: hello")
