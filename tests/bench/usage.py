"""A process's resource usage, from /proc."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

# A process that uses less than this share of a core is at rest.
REST_SHARE = 0.06
LOOK_SECONDS = 0.5


def resident(pid: int) -> float:
    """Resident memory in MB (2^20 bytes)."""
    return _status(pid, "VmRSS")


def peak(pid: int) -> float:
    """The largest resident memory since the process started, in MB (2^20 bytes)."""
    return _status(pid, "VmHWM")


def cpu_seconds(pid: int) -> float:
    """CPU time of all its threads so far, in the scheduler's nanosecond resolution. That of a thread which has ended is
    not in it, so it suits processes whose threads stay."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        # It may end meanwhile.
        with suppress(FileNotFoundError, ProcessLookupError):
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def until_at_rest(*pids: int, seconds: float = 60) -> None:
    """Returns once the processes have been at rest for a second, or after `seconds`: not to be at rest is a figure."""
    end, calm = time.monotonic() + seconds, 0
    used, began = sum(map(cpu_seconds, pids)), time.monotonic()
    while calm < 2 and began < end:
        time.sleep(LOOK_SECONDS)
        now, at = sum(map(cpu_seconds, pids)), time.monotonic()
        calm = calm + 1 if now - used < REST_SHARE * len(pids) * (at - began) else 0
        used, began = now, at


def _status(pid: int, field: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{field}:")) / 1024
