"""The type of an agent is that of its program, not of any word on the screen.

Real programs behind the real taskyard-init and sidecar; each test names the case that it holds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from unit.sidecar.pod import SHELL, Pod, until
from unit.sidecar.terminal.agent import ECHOING_TUI, said, start


def test_given_type_decides_against_a_banner(pod: Pod) -> None:
    """T5"""
    start(pod, "bash", "-c", "echo 'Claude Code v9'; exec bash --norc -i", TASKYARD_AGENT_TYPE="custom")
    pod.until_stable()
    assert pod.get("/status")["agent_type"] == "custom"


@pytest.mark.parametrize("shell", ["bash --norc -i", "dash -i"])
@pytest.mark.parametrize("banner", ["Claude Code v9 is installed here", "Gemini CLI v0.1, Aider v0.8"])
def test_shell_behind_words_that_look_like_a_banner_is_a_shell(pod: Pod, shell: str, banner: str) -> None:
    """T5: such as a message of the day; the kernel tells that a shell has the terminal."""
    start(pod, "bash", "-c", f"printf '%s\\n' '{banner}'; exec {shell}", prompt="echo hi")
    until("the answer", lambda: said(pod).split("\n")[-1] == "hi")
    assert pod.get("/status")["agent_type"] == "custom"


def test_known_agent_that_is_named_otherwise_is_known_by_its_banner(pod: Pod, tmp_path: Path) -> None:
    """T5: also where a shell had the terminal when the banner was shown."""
    (tmp_path / "agent.py").write_text(ECHOING_TUI)
    script = f"echo 'Claude Code v9'; sleep 1; {sys.executable} {tmp_path / 'agent.py'}; exit"
    start(pod, "bash", "-c", script)
    until("its name", lambda: pod.get("/status")["agent_type"] == "claude")


def test_known_agent_typed_at_a_prompt_is_driven_as_what_it_is(pod: Pod) -> None:
    """T5"""
    (pod.home / "claude").write_text(f"#!{sys.executable}\n{ECHOING_TUI}")
    (pod.home / "claude").chmod(0o755)
    start(pod, *SHELL)
    pod.until_stable()
    pod.post("./claude")
    until("the guest", lambda: pod.get("/status")["agent_type"] == "claude")
    pod.post("\x1c", kind="raw")
