"""Text through the real taskyard-init and the real sidecar: said exactly, typed without keys, told without loss."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from unit.sidecar.pod import Pod, until

# Shows the bytes that it gets, control characters as ^X.
WITH_PASTE = r"stty raw -echo; printf 'ready> \033[?2004h'; exec cat -v"
WITHOUT_PASTE = r"stty raw -echo; printf 'ready> '; exec cat -v"
KEYS = "a\x03b\x04c\x1b[201~; echo INJECTED\x9b\x7f\x00"
WORDS = "10\u00a0000 € 你好\u3000世界 👩\u200d🚀 \u200e\ue0b0"


@pytest.fixture
def reporter(init_program: Path, tmp_path: Path) -> Path:
    """The path of `taskyard-report`."""
    (tmp_path / "bin").mkdir()
    subprocess.run([init_program, "install", tmp_path / "bin"], check=True, timeout=10)
    return tmp_path / "bin" / "taskyard-report"


@pytest.mark.parametrize(
    ("agent", "before", "after"),
    [
        pytest.param(WITH_PASTE, "^[[200~", "^[[201~^M", id="pasted"),
        pytest.param(WITHOUT_PASTE, "", "^M", id="typed"),
    ],
)
def test_a_prompt_and_a_message_are_text_and_no_keys(pod: Pod, agent: str, before: str, after: str) -> None:
    """T14"""
    pod.gateway.prompt = f"prompt {KEYS}\n"
    pod.start_agent(("sh", "-c", agent))
    pod.start_sidecar()
    pod.until_stable()
    typed = f"{before}prompt abc[201~; echo INJECTED{after}"
    until("the prompt", lambda: typed in pod.screen().replace("\n", ""))
    assert pod.post(f"message {KEYS}", key="k").json()["ok"]
    pod.until_stable()
    assert f"{before}message abc[201~; echo INJECTED{after}" in pod.screen().replace("\n", "")
    said = [content for role, content in pod.contents() if role == "user"]
    assert said == [f"prompt {KEYS}\n", f"message {KEYS}"], "the conversation keeps what was said"
    assert (pod.folder / "prompt.txt").read_bytes() == f"prompt {KEYS}\n".encode()
    assert [line["content"] for line in pod.transcribed() if line["role"] == "user"] == said
    assert not {"\x7f", "\x9b"} & set(pod.transcript.read_text()), "kubectl logs would act on a terminal"
    warning = (
        "message input:k: control characters are keys and no text, and were not typed: Ctrl-C, Ctrl-D, ESC, U+009B"
    )
    assert warning in pod.log.read_text()


def test_a_message_of_keys_alone_is_refused_by_name(pod: Pod) -> None:
    """T14"""
    pod.gateway.prompt = "\x03\x04"
    pod.start_agent(("sh", "-c", WITH_PASTE))
    pod.start_sidecar()
    pod.until_stable()
    until("the reason", lambda: "Ctrl-C, Ctrl-D" in pod.gateway.last_report.get("message", ""))
    answer = pod.post("\x03\x1b", key="k")
    assert answer.status_code == 422
    assert "consists of control characters (Ctrl-C, ESC)" in answer.json()["detail"]
    assert [role for role, _ in pod.contents()] == ["agent"]


def test_text_of_every_script_is_kept_where_it_is_told(pod: Pod, reporter: Path) -> None:
    """T8, T9"""
    summary = f"use vector<int> {WORDS}"
    pod.gateway.prompt = WORDS
    pod.start_agent(
        (
            "sh",
            "-c",
            '"$1" working "$2"; "$1" output words="$2"; stty raw -echo; printf ready; exec cat',
            "sh",
            str(reporter),
            summary,
        )
    )
    pod.start_sidecar()
    until("the outputs", lambda: pod.gateway.outputs)
    assert pod.gateway.outputs[-1] == [{"name": "words", "value": summary}]
    until("the state", lambda: ("working", summary) in pod.states())
    pod.until_stable()
    assert ("user", WORDS) in pod.contents()
    assert (pod.folder / "prompt.txt").read_text() == WORDS


def test_a_prompt_that_no_variable_can_hold_fails_a_command_with_the_reason(pod: Pod) -> None:
    """T12"""
    pod.gateway.prompt = "字" * 50_000
    pod.start_agent(
        ("sh", "-c", 'printf %s "$TASKYARD_TASK_PROMPT" | wc -c'), options=("--pipes", "--merge", "--retries", "2")
    )
    pod.start_sidecar(TASKYARD_AGENT_PROTOCOL="Command")
    until("the failure", lambda: pod.gateway.last_report.get("state") == "failure")
    assert pod.gateway.last_report["message"] == (
        "Exit status 125: [taskyard: the prompt has 150000 bytes, TASKYARD_TASK_PROMPT holds 120000: "
        "have the command read $TASKYARD_TASK_PROMPT_FILE]"
    )


def test_a_shell_without_a_locale_shows_every_script(pod: Pod) -> None:
    """T13"""
    pod.start_agent(environment={"LANG": ""})
    pod.start_sidecar()
    pod.until_stable()
    assert pod.post("touch 'grün.txt' && ls --quoting-style=escape", key="k").json()["ok"]
    pod.until_stable()
    assert pod.contents()[-1][1].splitlines()[0] == "grün.txt"
