"""A silent command works, and a program in the foreground that reads asks.

Real programs behind the real taskyard-init and sidecar; each test names the case that it holds.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from unit.sidecar.pod import SHELL, Pod, until
from unit.sidecar.terminal.agent import DASH, ECHOING_TUI, SPINNER, asks, said, start, waits_for_input

PROMPT_T3 = "sh -c 'sleep {seconds}; read -r l; echo \"program got: $l\"'"


def test_silent_command_is_work_and_a_program_that_reads_asks(pod: Pod) -> None:
    """T3"""
    start(pod, *SHELL, prompt=PROMPT_T3.format(seconds=4))
    until("the prompt", lambda: ("user", PROMPT_T3.format(seconds=4)) in pod.contents())
    until("work", lambda: pod.gateway.last_report["message"].startswith("sh -c"))
    time.sleep(2)
    assert pod.status() == "running"
    assert asks(pod) is None
    question = waits_for_input(pod)
    refused = pod.post("rm important.txt")
    assert refused.status_code == 409 and "waits for input" in refused.text
    assert pod.post("an answer", answers=question["id"]).json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-2:] == [("user", "an answer"), ("agent", "program got: an answer")]
    until("no question", lambda: asks(pod) is None and pod.gateway.last_report["state"] == "idle")
    assert pod.post("echo for the shell").json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-1] == ("agent", "for the shell")


@pytest.mark.parametrize(
    "command",
    [
        "sleep 3; echo done",
        "sh -c 'sleep 3 & wait'; echo done",
        "sleep 3 & wait; echo done",
        f"{sys.executable} -c 'import time; time.sleep(3)'; echo done",
    ],
)
def test_command_that_says_nothing_works_until_it_is_done(pod: Pod, command: str) -> None:
    """T3"""
    start(pod, *SHELL)
    pod.until_stable()
    began = time.monotonic()
    assert pod.post(command).json() == {"ok": True}
    pod.until_stable()
    assert time.monotonic() - began > 3
    assert pod.contents()[-1] == ("agent", "done") or pod.contents()[-1][1].endswith("\ndone")


@pytest.mark.parametrize(
    ("command", "leave"),
    [
        pytest.param("cat", "\x04", id="cat"),
        pytest.param(f"{sys.executable} -q", "\x04", id="python"),
        pytest.param("sh -c 'true; " + sys.executable + " -q'", "\x04", id="python in sh"),
        pytest.param("seq 100 | less", "q", id="less"),
        pytest.param("vim -u NONE -n", "\x1b:q!\r", id="vim"),
        pytest.param("sh -c 'stty -echo; read -r secret; stty echo'", "secret\r", id="password"),
        pytest.param("script -q -c 'dash -i' /dev/null", "exit\r", id="script"),
    ],
)
def test_program_in_the_foreground_asks_until_it_is_left(pod: Pod, command: str, leave: str) -> None:
    """T3"""
    start(pod, *SHELL, environment={"TERM": "xterm"})
    pod.until_stable()
    pod.post(command)
    question = waits_for_input(pod)
    assert question["options"] == []
    assert pod.post("rm important.txt").status_code == 409
    assert pod.post(leave, kind="raw").json() == {"ok": True}
    pod.until_stable()
    assert asks(pod) is None
    assert "important" not in pod.screen()


@pytest.mark.parametrize(
    "command",
    ['read -r a; echo "got $a"', 'select a in one two; do echo "got $a"; break; done', ". ./asks"],
)
def test_shell_that_asks_in_a_command_of_its_own_is_a_question(pod: Pod, command: str) -> None:
    """T3: the shell edits its lines in key mode, so what it reads in line mode is no message."""
    (pod.home / "asks").write_text("read -r -p 'Delete everything? [y/N] ' a\necho \"got $a\"\n")
    start(pod, *SHELL)
    pod.until_stable()
    pod.post(command)
    question = waits_for_input(pod)
    assert pod.post("rm important.txt").status_code == 409
    assert pod.post("1", answers=question["id"]).json() == {"ok": True}
    pod.until_stable()
    assert "got" in said(pod).split("\n")[-1]
    assert asks(pod) is None


def test_shell_that_was_replaced_by_one_without_a_line_editor_waits(pod: Pod) -> None:
    """T3"""
    start(pod, *SHELL)
    pod.until_stable()
    pod.post("exec dash -i")
    pod.until_stable()
    assert pod.post("echo on").json() == {"ok": True}
    pod.until_stable()
    assert said(pod).split("\n")[-1] == "on"


def test_lines_of_an_answer_go_to_the_program_that_asked_alone(pod: Pod) -> None:
    """T3: what it did not read is not run by the shell, and the caller hears of it."""
    start(pod, *SHELL)
    pod.until_stable()
    pod.post("sh -c 'read -r l; echo got $l; sleep 1'")
    answer = pod.post("yes\necho INJECTED", answers=waits_for_input(pod)["id"])
    assert answer.json() == {"ok": True, "inDoubt": True}
    pod.until_stable()
    assert "INJECTED" not in pod.screen()
    assert "had not read" in pod.log.read_text()


def test_lines_of_an_answer_wait_for_the_program_that_asked(pod: Pod) -> None:
    """T3"""
    start(pod, *SHELL)
    pod.until_stable()
    pod.post("sh -c 'read -r a; sleep 1; read -r b; sleep 1; read -r c; echo \"got $a $b $c\"'")
    assert pod.post("one\ntwo\nthree", answers=waits_for_input(pod)["id"]).json() == {"ok": True}
    pod.until_stable()
    assert said(pod).split("\n")[-1] == "got one two three"


def test_password_prompt_of_the_command_itself_is_a_question(pod: Pod) -> None:
    """T3"""
    script = "stty -echo; printf 'Password: '; read -r x; stty echo; echo thanks; read -r y"
    start(pod, "bash", "-c", script, prompt="the prompt")
    question = waits_for_input(pod)
    assert "the prompt" not in pod.screen()
    pod.post("hunter2", answers=question["id"])
    until("the prompt", lambda: ("user", "the prompt") in pod.contents())
    assert "hunter2" not in pod.screen()


def test_background_jobs_are_no_work(pod: Pod) -> None:
    """T3"""
    start(pod, *SHELL)
    pod.until_stable()
    began = time.monotonic()
    pod.post("sleep 30 & echo begun")
    pod.until_stable()
    assert time.monotonic() - began < 10
    pod.post("kill %1")


def test_lines_of_a_message_wait_for_the_shell(pod: Pod) -> None:
    """T3: a line is not read by what the line before it started."""
    start(pod, *DASH)
    pod.until_stable()
    pod.post("sleep 1\nsh -c 'sleep 1'\necho \"three\"")
    pod.until_stable()
    assert pod.contents()[-1][1].split("\n")[-1] == "three"


def test_lines_of_a_message_do_not_wait_for_a_screen_that_never_rests(pod: Pod, tmp_path: Path) -> None:
    """T3: a program that draws all the time, without bracketed paste."""
    (tmp_path / "tui.py").write_text(
        ECHOING_TUI.replace("line =", SPINNER + "line =", 1).replace("(0, 1)\n", "(0, 1)\n    keyed.set()\n")
    )
    start(pod, sys.executable, str(tmp_path / "tui.py"))
    pod.until_stable()
    began = time.monotonic()
    pod.post("one\ntwo\nthree")
    assert time.monotonic() - began < 13
    assert "taken: two" in pod.screen() and "taken: three" in pod.screen()


def test_password_reaches_the_program_and_nobody_else(pod: Pod) -> None:
    """T3: what is asked without echo is in no message, log or state."""
    start(pod, *SHELL)
    pod.until_stable()
    pod.post("python3 -c 'import getpass; print(len(getpass.getpass()))'; sleep 1")
    pod.post("hunter2", answers=waits_for_input(pod)["id"])
    pod.until_stable()
    assert pod.contents()[-2:] == [("user", "(not shown)"), ("agent", "7")]
    told = [str(pod.gateway.reports), pod.transcript.read_text(), pod.log.read_text()]
    kept = [path.read_text(errors="replace") for path in pod.state.rglob("*") if path.is_file()]
    assert not [text for text in told + kept if "hunter2" in text]
