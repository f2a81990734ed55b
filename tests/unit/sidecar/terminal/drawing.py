"""Programs for the tests of real terminals that draw as known agents do, or that show what a real one did."""

from __future__ import annotations

import sys

from unit.sidecar.pod import Pod, until
from unit.sidecar.recording import RECORDINGS, end_of
from unit.sidecar.terminal.agent import start

# Each screen is drawn over the one before it; what is `left` above it stays. The keys that it gets go to a file.
DRAWING = r"""
import os, select, sys, time, tty
tty.setraw(0)
os.write(1, b"\x1b[?2004h")
LINE, POINTER, BULLET, SIDE = "\u2500", "\u276f", "\u25cf", "\u2502"
RULE, TOP, BOTTOM = LINE * 80, f"\u256d{LINE * 78}\u256e", f"\u2570{LINE * 78}\u256f"
BOX = f"{RULE}\n{POINTER} \n{RULE}\n"
CODE = f"{RULE}\n Paste code here if prompted >\n\n Esc to cancel\n"
height = 0
def show(screen, left=""):
    global height
    up = f"\x1b[{height}A" if height else ""
    into = "\x1b[2A\x1b[2C" if screen == BOX else ""
    os.write(1, f"{up}\r\x1b[J{left}{screen}{into}".replace("\n", "\r\n").encode())
    height = screen.count("\n") - (2 if into else 0)
def options(names, pointer, at):
    return [f"{pointer if number == at else ' '} {number}. {name}" for number, name in enumerate(names, 1)]
def menu(command, at=1):
    lines = options(["Yes", "No"], POINTER, at)
    asked = ["Bash command", "", f"  {command}", "", "Do you want to proceed?", *lines, "", "Esc to cancel"]
    return "\n ".join([RULE, *asked]) + "\n"
def framed(command, at=1):
    lines = options(["Allow", "Deny"], BULLET, at)
    inside = [f"? Shell {command}", LINE * 74, "Allow execution of [Shell]?", "", *lines]
    return "\n".join([TOP, *(f"{SIDE} {line:<76} {SIDE}" for line in inside), BOTTOM]) + "\n"
def spin(seconds, below=""):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        show(f"\n\u273b Working\u2026 ({time.monotonic():.2f}s)\n{below}")
        key(0.04)
def key(patience=None):
    if not select.select([0], [], [], patience)[0]:
        return b""
    pressed = os.read(0, 4096)
    with open("keys", "ab") as keys:
        keys.write(pressed)
    return pressed
"""


def draws(pod: Pod, script: str, agent_type: str = "claude", prompt: str = "") -> None:
    """Starts a program that draws as the known program of that type does, and goes on as the script says."""
    (pod.home / "agent.py").write_text(DRAWING + script)
    start(pod, sys.executable, str(pod.home / "agent.py"), prompt=prompt, TASKYARD_AGENT_TYPE=agent_type)


def keys(pod: Pod) -> bytes:
    """What was pressed in a program that draws."""
    pressed = pod.home / "keys"
    return pressed.read_bytes() if pressed.exists() else b""


def replays(pod: Pod, name: str, scene: str, then: str) -> None:
    """Starts a program that shows what a real agent did until the end of a scene, takes the terminal's answers to the
    agent's queries, and then runs `then` in bash. Returns when it does.
    """
    shown = f"stty raw -echo; head -c {end_of(name, scene)} {RECORDINGS / name}.bin"
    silent = "while IFS= read -r -N 1 -t 1 answer; do :; done; touch silent"
    start(pod, "bash", "-c", f"{shown}; {silent}; {then}", TASKYARD_AGENT_TYPE=name.partition("-")[0])
    until("the recording to be shown", (pod.home / "silent").exists)
