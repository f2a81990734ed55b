"""Messages of type User are said to the real agents, whatever they begin with; messages of type Control are run. Their
model quotes what it got. `make agents` runs this.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from agents.programs import AGENTS, ALONE, PATIENCE
from e2e.examples import Example
from e2e.kubectl_namespace import KubectlNamespace
from kube import Kube, phase_is

LINES = "\n".join(f"line {number} of the message" for number in range(1, 201))
WORDS = " ".join(f"word{number}" for number in range(1, 2600))[:20_000]
# What the model quotes of each message; an answer on the screen is wrapped, so a few words of it.
SAID = [
    pytest.param("!touch bang", "You said: !touch bang", id="A1"),
    pytest.param("! is the not operator in C", "You said: ! is the not operator", id="A1-prose"),
    pytest.param("# Heading", "You said: # Heading", id="A4-heading"),
    pytest.param("two lines\n/cost\n!ls", "You said: two lines", id="A1-lines"),
    pytest.param("look at @hello.txt", "You said: look at @hello.txt", id="A3"),
    pytest.param("it ends with \\", "You said: it ends with", id="A3-backslash"),
    pytest.param("/etc/hostname is a file", "/etc/hostname is a file", id="A2-path"),
    pytest.param("& that", "You said: & that", id="A1-ampersand"),
    pytest.param("?", "You said: ?", id="A1-question-mark"),
    pytest.param("{", "{", id="A1-brace"),
    pytest.param("a\tb", "You said: a", id="A14"),
    pytest.param(LINES, "line 200 of the message", id="T16-lines"),
    pytest.param(WORDS, "word2000", id="T16-words"),
    pytest.param(LINES, "line 200 of the message", id="T16-again"),
]
RUNS_A_SLASH = ("12-gemini-cli",)
ENDS_AT_EXIT = ("10-claude-code", "13-opencode")
# A command that opens a dialog, the dialog's title, and the keys that close it.
DIALOGS = {
    "10-claude-code": ("/cost", "Settings", "\x1b"),
    "11-codex": ("/model", "Select Model", "\x1b"),
    "12-gemini-cli": ("/theme", "Select Theme", "\x1b"),
    "13-opencode": ("/help", "Help", "\x1b"),
}


@pytest.fixture(params=AGENTS.values(), ids=AGENTS.keys(), scope="module")
def agent(request: pytest.FixtureRequest, installation: Path, kube: Kube) -> Iterator[tuple[str, KubectlNamespace]]:
    """The agent's folder and the namespace in which its Task `hello` has done its prompt."""
    folder, vendor = request.param
    ns = KubectlNamespace(installation, kube, f"e2e-{uuid4().hex[:8]}")
    ns.create()
    example = Example(ns, folder)
    example.set_up("templateversion", environment=ALONE | vendor)
    example.begin()
    ns.wait_answer("I wrote hello.txt.", seconds=PATIENCE)
    ns.wait_state("Idle", build=1, seconds=PATIENCE)
    yield folder, ns
    ns.remove()


def delivered(ns: KubectlNamespace, name: str, phase: str = "Delivered") -> None:
    ns.kube.wait(f"it is {phase}", "taskinputs", ns.name, name, phase_is(phase), PATIENCE)


def asks(ns: KubectlNamespace, text: str) -> None:
    ns.wait("it asks", lambda status: text in status.get("state", {}).get("message", ""), seconds=PATIENCE)


@pytest.mark.parametrize(("content", "quoted"), SAID)
def test_message_is_said_whatever_it_begins_with(
    agent: tuple[str, KubectlNamespace], content: str, quoted: str
) -> None:
    """A1, A3, A4, A14, T16"""
    _, ns = agent
    before = len(ns.said("agent"))
    name = f"said-{uuid4().hex[:8]}"
    ns.say(name, content)
    delivered(ns, name)
    ns.wait(
        "it quotes the message",
        lambda status: any(quoted in answer for answer in ns.said("agent")[before:]),
        seconds=PATIENCE,
    )
    ns.wait_state("Idle", build=1, seconds=PATIENCE)
    answers = ns.said("agent")[before:]
    assert all("Pasted" not in answer for answer in answers)
    assert ns.said("user")[-1] == content
    assert ns.inside("hello-1", "agent", "ls", "/home/agent/work").stdout.split() == ["hello.txt"]


@pytest.mark.parametrize("content", ["/help", "/clear"])
def test_slash_is_said_or_refused_by_name(agent: tuple[str, KubectlNamespace], content: str) -> None:
    """A2, A5"""
    folder, ns = agent
    name = f"slash-{uuid4().hex[:8]}"
    ns.say(name, content)
    if folder in RUNS_A_SLASH:
        delivered(ns, name, "Rejected")
        return
    delivered(ns, name)
    ns.wait_answer(f"You said: {content}", seconds=PATIENCE)
    ns.wait_state("Idle", build=1, seconds=PATIENCE)


@pytest.mark.parametrize("content", ["exit", ":q", "\u3000exit"], ids=["exit", "vi", "wide blank"])
def test_lone_exit_does_not_end_the_agent(agent: tuple[str, KubectlNamespace], content: str) -> None:
    """A2"""
    folder, ns = agent
    name = f"exit-{uuid4().hex[:8]}"
    ns.say(name, content)
    delivered(ns, name, "Rejected" if folder in ENDS_AT_EXIT else "Delivered")
    ns.wait_state("Idle", build=1, seconds=PATIENCE)


def test_command_opens_a_dialog_into_which_nothing_is_typed_until_keys_close_it(
    agent: tuple[str, KubectlNamespace],
) -> None:
    """A1, A2, A5"""
    folder, ns = agent
    if folder not in DIALOGS:
        pytest.skip("aider has no dialogs")
    command, title, close = DIALOGS[folder]
    ns.say(f"control-{uuid4().hex[:8]}", command, type="Control")
    asks(ns, title)
    waiting = f"waiting-{uuid4().hex[:8]}"
    ns.say(waiting, "a plain message")
    ns.say(f"close-{uuid4().hex[:8]}", close, type="Raw")
    delivered(ns, waiting)
    ns.wait_answer("a plain message", seconds=PATIENCE)  # Claude Code has its model hear of its own command first


def test_control_runs_a_shell_command_and_the_next_message_is_said(agent: tuple[str, KubectlNamespace]) -> None:
    """A1, A12"""
    _, ns = agent
    ns.say(f"run-{uuid4().hex[:8]}", "!touch /tmp/run-by-control", type="Control")
    deadline = time.monotonic() + PATIENCE
    while ns.inside("hello-1", "agent", "ls", "/tmp/run-by-control").returncode:
        assert time.monotonic() < deadline, "the command of type Control was not run"
        time.sleep(0.5)
    name = f"next-{uuid4().hex[:8]}"
    ns.say(name, "touch nothing")
    delivered(ns, name)
    ns.wait_answer("touch nothing", seconds=PATIENCE)  # Gemini CLI has its model hear of the command first


def test_what_stands_in_the_box_does_not_join_the_next_message(agent: tuple[str, KubectlNamespace]) -> None:
    """A4"""
    _, ns = agent
    ns.say(f"left-{uuid4().hex[:8]}", "left in the box", type="Raw")
    name = f"next-{uuid4().hex[:8]}"
    ns.say(name, "only this")
    delivered(ns, name)
    messages = ns.wait_answer("You said: only this", seconds=PATIENCE)
    assert not any("You said: left in the box" in message["content"] for message in messages)
