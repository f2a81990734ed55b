"""The input box of a known program: a stand-in for Codex draws it, under the real taskyard-init and sidecar."""

# ruff: noqa: RUF001 - the program's prompt is what it is

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from unit.sidecar.pod import Pod, until

# Arguments: what stands in the box at first, and which of these it does: `stuck` never lets go of that, `slow`
# shows what was typed a second later.
CODEX = r"""
import os, re, sys, time, tty
tty.setraw(0)
box, habits = sys.argv[1], sys.argv[2:]
shown = [">_ OpenAI Codex (v0.169.0)"]

def draw():
    place = f"› {box or 'Ask Codex to do anything'}"
    lines = [*shown, "", place, "", "  gpt-5 default"]
    os.write(1, ("\x1b[H\x1b[2J" + "\r\n".join(lines) + f"\x1b[2A\x1b[{3 + len(box)}G").encode())

os.write(1, b"\x1b[?2004h")
draw()
data = b""
while True:
    data += os.read(0, 4096)
    time.sleep("slow" in habits)
    while data:
        paste = re.match(rb"\x1b\[200~(.*?)\x1b\[201~", data, re.DOTALL)
        if data.startswith(b"\x1b[200~") and paste is None:
            break
        key = paste[0] if paste else data[:4] if data.startswith(b"\x1b[3~") else data[:1]
        data = data[len(key):]
        if paste:
            box += paste[1].decode()
        elif key == b"\r" and box.startswith("/"):
            shown.append(f"■ Unrecognized command '{box}'")
        elif key == b"\r" and box:
            shown += [f"› {box}", "", f"• You said: {box}"]
            box = ""
        elif key in (b"\x15", b"\x7f") and "stuck" not in habits:
            box = "" if key == b"\x15" else box[:-1]
        elif b" " <= key < b"\x7f":
            box += key.decode()
    draw()
"""


@pytest.fixture
def codex(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "codex.py").write_text(CODEX)
    return sys.executable, str(tmp_path / "codex.py")


def start(pod: Pod, *command: str, prompt: str = "") -> None:
    pod.gateway.prompt = prompt
    pod.start_agent(command)
    pod.start_sidecar(TASKYARD_AGENT_TYPE="codex")


def test_what_stands_in_the_box_is_no_part_of_a_message(pod: Pod, codex: tuple[str, str]) -> None:
    """A4"""
    start(pod, *codex, "/foo", prompt="the prompt")
    until("the answer", lambda: ("agent", "• You said: the prompt") in pod.contents())
    pod.until_stable()
    assert pod.post("half a line", kind="raw").json() == {"ok": True}
    until("the keys", lambda: "half a line" in pod.screen())
    pod.until_stable()
    began = time.monotonic()
    assert pod.post("a plain message").json() == {"ok": True}
    assert time.monotonic() - began < 5, "A12: as quick as the program is"
    pod.until_stable()
    assert pod.contents()[-1] == ("agent", "• You said: a plain message")


def test_box_that_cannot_be_emptied_refuses_a_message(pod: Pod, codex: tuple[str, str]) -> None:
    """A4"""
    start(pod, *codex, "here to stay", "stuck")
    pod.until_stable()
    refused = pod.post("a plain message")
    assert refused.status_code == 422 and "cannot be removed" in refused.text
    assert "plain" not in pod.screen()
    assert [role for role, _ in pod.contents()] == ["agent"]


def test_command_that_stays_in_the_box_is_no_part_of_the_next_message(pod: Pod, codex: tuple[str, str]) -> None:
    """A4"""
    start(pod, *codex, "")
    pod.until_stable()
    assert pod.post("/foo\r", kind="raw").json() == {"ok": True}
    until("the program's words", lambda: "Unrecognized" in pod.screen())
    pod.until_stable()
    assert pod.post("/said all the same").json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-1] == ("agent", "• You said:  /said all the same")


def test_keys_that_do_not_show_yet_do_not_join_the_next_message(pod: Pod, codex: tuple[str, str]) -> None:
    """A4"""
    start(pod, *codex, "", "slow")
    pod.until_stable()
    assert pod.post("left in the box", kind="raw").json() == {"ok": True}
    assert pod.post("only this").json() == {"ok": True}
    until("the answer", lambda: "You said:" in pod.contents()[-1][1])
    assert pod.contents()[-1] == ("agent", "• You said: only this")
