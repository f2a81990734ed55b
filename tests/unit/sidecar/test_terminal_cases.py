"""What real terminals do, through the real taskyard-init and sidecar: what is typed arrives whole and where it belongs,
and what works is not taken for idle. Each test names the case that it holds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from unit.sidecar.pod import SHELL, Pod, until

UTF8 = {"LANG": "C.UTF-8"}
DASH = ("dash", "-i")
ECHOING_TUI = r"""
import os, sys, termios, tty
tty.setraw(0)
os.write(1, b"Ready> ")
line = b""
while True:
    key = os.read(0, 1)
    if key == b"\r":
        os.write(1, b"\r\ntaken: " + line + b"\r\nReady> ")
        line = b""
    else:
        line += key
        os.write(1, key)
"""
# Begins to turn at the first key, at the upper right, and never stops.
SPINNER = r"""
import threading, time
keyed = threading.Event()
def spin():
    keyed.wait()
    for mark in __import__("itertools").cycle(b"-/|*"):
        os.write(1, b"\x1b7\x1b[1;70H" + bytes([mark]) + b"\x1b8")
        time.sleep(0.05)
threading.Thread(target=spin, daemon=True).start()
"""
# As tini does: the child gets a group of its own, and the foreground.
SMALL_INIT = r"""
import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
pid = os.fork()
if pid == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execvp(sys.argv[1], sys.argv[1:])
os.waitpid(pid, 0)
"""


def start(
    pod: Pod, *command: str, prompt: str = "", environment: Mapping[str, str] | None = None, **settings: str
) -> None:
    pod.gateway.prompt = prompt
    pod.start_agent(command, environment={**UTF8, **(environment or {})})
    pod.start_sidecar(**settings)


def asks(pod: Pod) -> dict[str, Any] | None:
    """The question that is open, as the gateway knows it."""
    question = pod.gateway.last_report.get("question")
    return question if isinstance(question, dict) else None


def starting(pod: Pod) -> dict[str, str]:
    """What keeps the first prompt from the agent, as the gateway knows it."""
    return pod.gateway.last_report.get("starting") or {}


def waits_for_input(pod: Pod) -> dict[str, Any]:
    return until("a question", lambda: (found := asks(pod)) and "waits for input" in found["text"] and found)


def said(pod: Pod) -> str:
    return "\n".join(content for role, content in pod.contents() if role == "agent")


# T1: lines that are too long for the terminal's line mode.


def test_prompt_with_a_line_that_line_mode_cuts_is_refused_before_anything_is_typed(pod: Pod) -> None:
    """T1"""
    start(pod, *DASH, prompt=f"printf %s '{'x' * 5000}' | wc -c; echo THE-END")
    until("the refusal", lambda: pod.gateway.last_report.get("state") == "failure")
    message = pod.gateway.last_report["message"]
    assert "line 1" in message and "4,095" in message
    assert "prompt_sha256" not in pod.gateway.last_report
    assert pod.post("echo next").json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-1] == ("agent", "next")
    assert "xxx" not in said(pod)


def test_message_with_a_line_that_line_mode_cuts_is_refused_and_the_longest_one_arrives(pod: Pod) -> None:
    """T1"""
    start(pod, *DASH)
    pod.until_stable()
    too_long = pod.post("echo short\n" + "echo " + "字" * 1400)
    assert too_long.status_code == 422
    assert "line 2" in too_long.text and "4,205" in too_long.text
    whole = f"printf %s '{'x' * (4095 - len('''printf %s '' | wc -c'''))}' | wc -c"
    assert len(whole) == 4095
    assert pod.post(whole).json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-1] == ("agent", str(whole.count("x")))


def test_long_line_arrives_whole_where_the_program_edits_lines_itself(pod: Pod) -> None:
    """T1"""
    start(pod, *SHELL)
    pod.until_stable()
    assert pod.post(f"printf %s '{'x' * 5000}' | wc -c").json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-1] == ("agent", "5000")


def test_refused_prompt_is_told_after_a_question_that_came_first(pod: Pod) -> None:
    """T1"""
    start(pod, "dash", "-c", "stty -echo; read -r x; stty echo; exec dash -i", prompt="echo " + "x" * 5000)
    pod.post("hunter2", answers=waits_for_input(pod)["id"])
    until("the refusal", lambda: pod.gateway.last_report.get("state") == "failure")
    assert "4,095" in pod.gateway.last_report["message"]


def test_refused_prompt_is_not_typed_once_the_conversation_has_gone_on(pod: Pod) -> None:
    """T1: a new sidecar does not find that the program of now could take it."""
    start(pod, *DASH, prompt="echo " + "x" * 5000)
    until("the refusal", lambda: pod.gateway.last_report.get("state") == "failure")
    pod.post("exec bash --norc --noprofile -i")
    pod.until_stable()
    pod.kill_sidecar()
    pod.start_sidecar()
    pod.until_stable()
    assert pod.post("echo on").json() == {"ok": True}
    pod.until_stable()
    assert [content for role, content in pod.contents() if role == "user"] == [
        "exec bash --norc --noprofile -i",
        "echo on",
    ]


def test_answer_that_line_mode_cuts_is_refused_before_anything_is_typed(pod: Pod) -> None:
    """T1"""
    start(pod, *SHELL)
    pod.until_stable()
    pod.post("sh -c 'read -r l; echo ${#l}'")
    question = waits_for_input(pod)
    refused = pod.post("x" * 5000, answers=question["id"])
    assert refused.status_code == 422 and "4,095" in refused.text
    assert pod.post("x" * 4095, answers=question["id"]).json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-1] == ("agent", "4095")


# T2: start scripts.


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


# T3: work, and programs that ask.

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


# T5: the program, not any word.


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


# T10: tabs.


def test_tab_is_refused_where_it_would_be_a_key_and_arrives_elsewhere(pod: Pod, tmp_path: Path) -> None:
    """T10"""
    (tmp_path / "tui.py").write_text(ECHOING_TUI)
    start(pod, sys.executable, str(tmp_path / "tui.py"))
    pod.until_stable()
    refused = pod.post("print('a\tb')")
    assert refused.status_code == 422 and "tab" in refused.text
    assert said(pod) == "Ready>"


def test_tab_in_an_answer_is_refused_where_it_would_be_a_key(pod: Pod, tmp_path: Path) -> None:
    """T10"""
    (tmp_path / "tui.py").write_text(ECHOING_TUI)
    start(pod, *SHELL)
    pod.until_stable()
    pod.post(f"{sys.executable} {tmp_path / 'tui.py'}")
    question = waits_for_input(pod)
    refused = pod.post("a\tb", answers=question["id"])
    assert refused.status_code == 422 and "tab" in refused.text
    assert pod.post("a b", answers=question["id"]).json() == {"ok": True}
    until("the text", lambda: "taken: a b" in pod.screen())


@pytest.mark.parametrize("shell", [DASH, SHELL])
def test_tab_arrives_where_it_is_text(pod: Pod, shell: tuple[str, ...]) -> None:
    """T10"""
    start(pod, *shell)
    pod.until_stable()
    assert pod.post("printf 'a\tb' | od -An -c").json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-1][1].split() == ["a", r"\t", "b"]


# T14: text is text.


@pytest.mark.parametrize("shell", [DASH, SHELL])
@pytest.mark.parametrize(
    ("message", "arrived"),
    [
        ("echo A\x1b[201~; echo INJECTED", "A[201~\nINJECTED"),
        ("echo a\x03b\x04c", "abc"),
        ("echo one\x7f\x08\x15two \x9b201~", "onetwo 201~"),
    ],
)
def test_control_characters_are_no_keys(pod: Pod, shell: tuple[str, ...], message: str, arrived: str) -> None:
    """T14"""
    start(pod, *shell)
    pod.until_stable()
    assert pod.post(message).json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-2:] == [("user", message), ("agent", arrived)]


# T17: the agent dies in the middle of a turn.


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
