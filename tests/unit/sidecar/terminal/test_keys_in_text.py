"""Tabs and control characters of a text are no keys.

Real programs behind the real taskyard-init and sidecar; each test names the case that it holds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from unit.sidecar.pod import SHELL, Pod, until
from unit.sidecar.terminal.agent import DASH, ECHOING_TUI, said, start, waits_for_input


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
