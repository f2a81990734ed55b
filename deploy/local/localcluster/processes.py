"""Identifies a process so that no other one is mistaken for it: process ids are reused.

A process is identified by its id, its start time and the boot of the machine. Linux only.
"""

import contextlib
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Identity:
    """``started`` is in clock ticks since the boot whose id is ``boot``."""

    pid: int
    started: int
    boot: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(value: Any) -> Identity | None:
    """The identity that :meth:`Identity.to_json` wrote; None when the value is not one."""
    try:
        return Identity(pid=int(value["pid"]), started=int(value["started"]), boot=str(value["boot"]))
    except (KeyError, TypeError, ValueError):
        return None


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def parse_stat(text: str) -> tuple[str, int]:
    """State letter and start time (ticks since boot) from ``/proc/<pid>/stat``; the name in it may contain anything."""
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def identify(pid: int) -> Identity | None:
    """The identity of a living process; None when there is none or it is a zombie."""
    try:
        state, started = parse_stat(Path(f"/proc/{pid}/stat").read_text())
    except (OSError, ValueError, IndexError):
        return None
    return None if state in "ZX" else Identity(pid, started, boot_id())


def is_alive(identity: Identity) -> bool:
    return identify(identity.pid) == identity


def send(identity: Identity, number: int = signal.SIGKILL) -> bool:
    """Signals exactly this process; False when it is gone. With a pidfd, check and signal apply to the same process."""
    try:
        handle = os.pidfd_open(identity.pid)
    except OSError:
        return False
    try:
        if not is_alive(identity):
            return False
        signal.pidfd_send_signal(handle, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)


def wait_gone(identity: Identity, seconds: float) -> bool:
    """Waits until the process is gone; False when it still exists after that time. Reaps it if it is our child."""
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(identity.pid, os.WNOHANG)
        if not is_alive(identity):
            return True
        if time.monotonic() > until:
            return False
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Process ids of the living children of all threads of a process."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in path.read_text().split()]
    return found
