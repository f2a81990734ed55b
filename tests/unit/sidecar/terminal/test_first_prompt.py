"""The first prompt is typed when the agent reads, not into what starts it.

Real programs behind the real taskyard-init and sidecar; each test names the case that it holds.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from unit.sidecar.pod import Pod, until
from unit.sidecar.terminal.agent import ECHOING_TUI, SMALL_INIT, said, start, starting


@pytest.mark.parametrize(
    ("script", "agent_type"),
    [
        pytest.param("echo Installing; sleep 6; exec {tui}", "", id="noisy"),
        pytest.param("sleep 13; exec {tui}", "", id="silent"),
        pytest.param("echo Installing; for i in 1 2 3 4; do sleep 1; done; {tui}; exit", "", id="not-exec"),
    ],
)
def test_prompt_is_typed_when_the_program_reads(pod: Pod, tmp_path: Path, script: str, agent_type: str) -> None:
    """T2"""
    (tmp_path / "tui.py").write_text(ECHOING_TUI)
    start(
        pod,
        *("bash", "-c", script.format(tui=f"{sys.executable} {tmp_path / 'tui.py'}")),
        prompt="the prompt",
        TASKYARD_AGENT_TYPE=agent_type,
    )
    until("the answer", lambda: "taken: the prompt" in said(pod), patience=40)
    assert said(pod).count("taken:") == 1


@pytest.mark.parametrize("before", ["tty.setraw(0)", "print(end='', flush=True)"])
def test_prompt_is_not_typed_into_a_program_that_takes_keys_and_does_not_read_yet(
    pod: Pod, tmp_path: Path, before: str
) -> None:
    """T2: what was typed before it reads is flushed away, as many programs do when they begin to take keys."""
    loading = (
        f"{before}\nprint('Loading', end='\\r\\n', flush=True)\ntime.sleep(6)\ntermios.tcflush(0, termios.TCIFLUSH)\n"
    )
    (tmp_path / "tui.py").write_text(ECHOING_TUI.replace("tty.setraw(0)", f"import time\n{loading}tty.setraw(0)"))
    script = f"stty -icanon -echo; exec {sys.executable} {tmp_path / 'tui.py'}"
    start(pod, "bash", "-c", script, prompt="the prompt")
    until("the start to be told", lambda: "nothing reads" in starting(pod).get("message", ""))
    until("the answer", lambda: "taken: the prompt" in said(pod), patience=20)


@pytest.mark.parametrize("agent", ["dash -i", "{tui}"])
@pytest.mark.parametrize("wrapper", ["tini", "bash -ic"])
def test_prompt_is_typed_into_an_agent_that_a_wrapper_gives_the_foreground(
    pod: Pod, tmp_path: Path, wrapper: str, agent: str
) -> None:
    """T2: what a small init or a login shell starts in a group of its own is the agent, and no job of a shell."""
    (tmp_path / "tui.py").write_text(ECHOING_TUI)
    (tmp_path / "tini.py").write_text(SMALL_INIT)
    inner = agent.format(tui=f"{sys.executable} {tmp_path / 'tui.py'}")
    outer = (sys.executable, str(tmp_path / "tini.py"), *inner.split())
    start(pod, *(outer if wrapper == "tini" else ("bash", "-ic", f"true; {inner}; exit")), prompt="echo typed")
    until("the answer", lambda: said(pod).split("\n")[-1] in ("typed", "taken: echo typed"))


@pytest.mark.long
def test_prompt_is_not_typed_into_a_script_that_starts_a_known_agent(pod: Pod, tmp_path: Path) -> None:
    """T2: silence counts for a known agent too, after a minute; a script that nobody reads is no such silence."""
    start(
        pod,
        *("bash", "-c", f"sleep 70; exec {sys.executable} -c 'import time; input(); time.sleep(9)'"),
        prompt="the prompt",
        TASKYARD_AGENT_TYPE="claude",
    )
    time.sleep(66)
    assert pod.contents() == []
    assert "the prompt" not in pod.screen()


def test_a_program_that_reads_nothing_is_told(pod: Pod) -> None:
    """T2"""
    start(pod, "bash", "-c", "echo Installing; sleep 100", prompt="the prompt", TASKYARD_START_TIMEOUT="3")
    until("the report", lambda: starting(pod).get("reason") == "NotReading")
    assert "no process has read" in starting(pod)["message"]


def test_prompt_waits_for_what_the_template_says_is_shown(pod: Pod, tmp_path: Path) -> None:
    """T2"""
    (tmp_path / "tui.py").write_text("import time\nprint('asking the vendor', flush=True)\ninput()\n" + ECHOING_TUI)
    start(
        pod,
        *(sys.executable, str(tmp_path / "tui.py")),
        prompt="the prompt",
        TASKYARD_AGENT_READY="^Ready> ",
    )
    until("the first question", lambda: "asking" in pod.screen())
    time.sleep(2)
    assert "the prompt" not in pod.screen()
    pod.post("\r", kind="raw")
    until("the answer", lambda: "taken: the prompt" in said(pod))
