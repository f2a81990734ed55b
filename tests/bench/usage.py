"""A process's resource usage, from /proc."""

from __future__ import annotations

from pathlib import Path


def resident(pid: int) -> float:
    """Resident memory in MB (2^20 bytes)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024


def cpu_seconds(pid: int) -> float:
    """CPU time of all its threads so far, in the scheduler's nanosecond resolution."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
