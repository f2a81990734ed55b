"""Agents for the tests of real terminals: programs that are started in one, and what the gateway knows of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unit.sidecar.pod import Pod, until

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
