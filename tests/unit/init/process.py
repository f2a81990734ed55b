"""A started taskyard-init and the processes beneath it, as the tests see them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from unit.init.client import PATIENCE, Client

SANITIZER = {"ASAN_OPTIONS": "detect_leaks=1:exitcode=99:quarantine_size_mb=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
REPORTS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ERROR SUMMARY: ")


def parents() -> dict[int, int]:
    """The parent of each process of this machine."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def is_gone(pid: int) -> bool:
    """Has the process ended? A zombie has, whatever its parent is now."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def descendants(pid: int) -> list[int]:
    parent_of = parents()
    found, new = [], [pid]
    while new:
        new = [child for child, parent in parent_of.items() if parent in new]
        found += new
    return found


def eventually(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience} s: {what}"
        time.sleep(0.01)


@dataclass
class Running:
    """A started taskyard-init; `pid` is its process, which may be a child of `process`."""

    process: subprocess.Popen[bytes]
    socket: Path
    log: Path
    pid: int
    clients: list[Client] = field(default_factory=list)

    def client(self, *, receive_buffer: int | None = None, version: int = 1) -> Client:
        client = Client(self.socket, receive_buffer=receive_buffer, version=version)
        self.clients.append(client)
        return client

    def state(self) -> int:
        """The state in the hello to a new client."""
        client = Client(self.socket)
        state = client.hello.state
        client.close()
        return state

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self, patience: float = PATIENCE) -> int:
        return self.process.wait(patience)

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def memory(self, name: str = "VmRSS") -> int:
        """Resident memory in KiB (or its peak, VmHWM)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith(name)))

    def end(self) -> None:
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            left = [*descendants(self.process.pid), self.process.pid]
            self.signal(signal.SIGTERM)  # an orderly end, so that leaks are reported
            try:
                self.wait(2)
            except subprocess.TimeoutExpired:
                for pid in left:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        continue
                self.wait()
        said = self.said().replace("ERROR SUMMARY: 0 errors", "")
        assert not any(report in said for report in REPORTS), said


def connects(socket: Path) -> bool:
    try:
        Client(socket).close()
    except OSError:
        return False
    return True


# start(*command, options=(…), environment={…}, prefix=(…), umask=…); launch takes the program first.
Start = Callable[..., Running]
