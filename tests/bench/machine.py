"""A description of the machine that the figures were measured on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def description(cpuinfo: str, meminfo: str, commit: str, load: str) -> str:
    """One line, from /proc/cpuinfo, /proc/meminfo, a commit and /proc/loadavg."""
    models = re.findall(r"^model name\s*: (.+)$", cpuinfo, re.MULTILINE)
    cores = len(re.findall(r"^processor\s*:", cpuinfo, re.MULTILINE))
    memory = re.search(r"^MemTotal:\s*(\d+) kB", meminfo, re.MULTILINE)
    model = models[0] if models else "unknown model"
    size = f"{int(memory[1]) / (1 << 20):.1f} GiB" if memory else "unknown memory"
    return f"{cores} x {model}, {size}, commit {commit or 'unknown'}, load before: {' '.join(load.split()[:3])}"


def here(repository: Path) -> str:
    """The description of this machine and the repository's commit, with a + if files differ from it."""
    proc = Path("/proc")
    return description(
        (proc / "cpuinfo").read_text(),
        (proc / "meminfo").read_text(),
        commit(repository),
        (proc / "loadavg").read_text(),
    )


def commit(repository: Path) -> str:
    """The repository's commit, with a + if files differ from it; empty where there is none."""

    def git(*arguments: str) -> str:
        result = subprocess.run(
            ["git", "-C", repository, *arguments], capture_output=True, text=True, timeout=20, check=False
        )
        return result.stdout.strip() if result.returncode == 0 else ""

    head = git("rev-parse", "--short=12", "HEAD")
    return f"{head}+" if head and git("status", "--porcelain", "--untracked-files=no") else head
