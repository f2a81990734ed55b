"""Answers that people get from real shells, read off the screen: taskyard-init, the sidecar and a program."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from taskyard.limits import CUT_NOTE
from unit.sidecar.pod import Pod, until

BASH = ("bash", "--norc", "--noprofile", "-i")
DASH = ("dash", "-i")
TABLE = "+---+\n| a |\n+---+"
CHINESE = "你好世界" * 15
TWO_LINES = r"\w\n\$ "


def start(pod: Pod, command: Sequence[str], prompt: str = "$ ") -> None:
    pod.start_agent(command, environment={"PS1": prompt})
    pod.start_sidecar()
    pod.until_stable()


def say(pod: Pod, content: str) -> str:
    """The answer, once the program waits again."""
    assert pod.post(content).status_code == 200
    pod.until_stable()
    messages = pod.messages()
    assert messages[-2]["content"] == content
    return str(messages[-1]["content"])


@pytest.mark.parametrize("shell", [BASH, DASH], ids=["bash", "dash"])
def test_answer_is_what_was_printed(pod: Pod, shell: Sequence[str]) -> None:
    """T4, T6, T11, A6: one after the other in one shell."""
    start(pod, shell)
    for said, answer in [
        ("echo ======", "======"),  # T6
        ("echo ======", "======"),  # A6
        (r"printf '+---+\n| a |\n+---+\n'", TABLE),  # T6
        (f"echo {CHINESE}", CHINESE),  # T4
        ("printf abc", "abc"),  # T11
        ("echo hi", "hi"),
        (f"printf {'x' * 200}", "x" * 200),
    ]:
        assert say(pod, said) == answer, said


def test_answer_to_a_long_line_whose_width_bash_reckons_otherwise_is_what_was_printed(pod: Pod) -> None:
    """T4, A8: bash counts code points, so it looks for its own echo in other rows, and leaves some of it behind."""
    start(pod, BASH)
    for text in (
        "👍🏽" * 30,
        "👩\u200d👩\u200d👧\u200d👦" * 10,
        "🇩🇪" * 30,
        "हिन्दी भाषा " * 12 + "x",
        "ខ្មែរ " * 30 + "x",
        "한국어 " * 15 + "x",
    ):
        assert say(pod, f"echo {text}") == text
    assert say(pod, "echo hi") == "hi"


def test_answer_after_a_prompt_of_two_lines_that_changes_is_what_was_printed(pod: Pod) -> None:
    """T11."""
    start(pod, BASH, TWO_LINES)
    for said, answer in [("echo one", "one"), ("printf abc", "abc"), ("cd /tmp", ""), ("pwd", "/tmp"), ("pwd", "/tmp")]:
        assert say(pod, said) == answer, said


def test_answer_longer_than_what_is_kept_begins_with_the_note(pod: Pod) -> None:
    """T7: and the snapshot says that it is truncated."""
    start(pod, DASH)
    answer = say(pod, "seq 1 20000")
    assert answer.startswith(CUT_NOTE)
    assert answer.endswith("\n19999\n20000")
    until("a snapshot that says so", lambda: any(taken.get("truncated") for taken in pod.gateway.snapshots))


def test_repeated_answer_is_found_after_a_restart_of_the_sidecar(pod: Pod) -> None:
    """A6: the mark is taken again where the output is replayed."""
    start(pod, BASH)
    for _ in range(2):
        assert say(pod, "printf '======\\nsame\\n======'") == "======\nsame\n======"
        pod.kill_sidecar()
        pod.start_sidecar()
        pod.until_stable()
        assert pod.messages()[-1]["content"] == "======\nsame\n======"
