"""pyte works without wcwidth until something is not ASCII."""

from __future__ import annotations

import subprocess
import sys

from unit.sidecar.pod import OPERATOR

SCRIPT = """
import sys
from taskyard.sidecar.emulator.terminal import Terminal
import taskyard.sidecar.drivers.terminal.driver
def show(data):
    terminal = Terminal(80, 10)
    terminal.feed(data)
    terminal.refresh()
    print(terminal.text(), terminal.cursor[1], "wcwidth" in sys.modules)
show(b"plain $ ")
show("wide \u8a9e".encode())
from pyte.screens import wcwidth
print(wcwidth("\u8a9e"), wcwidth("a"))
"""


def test_widths_are_known_whether_or_not_they_are_needed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={"PYTHONPATH": str(OPERATOR), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["plain $ 8 False", "wide \u8a9e 7 True", "2 1"]
