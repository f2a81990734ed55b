"""Our own folder in the machine's cgroup hierarchies, version 1 or 2: made before the node starts, removed after it.

Every process of the node is beneath it, so the processes of a killed run are found even when its record is lost.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from localcluster.node import CGROUP

ROOT = Path("/sys/fs/cgroup")
_SYSTEM = "system"


def hierarchies(root: Path = ROOT) -> list[Path]:
    """The folders in which cgroups are made: the one root of version 2, or each hierarchy of version 1."""
    if (root / "cgroup.controllers").is_file():
        return [root]
    if not root.is_dir():
        return []
    found = {path.resolve() for path in root.iterdir() if (path / "cgroup.procs").is_file()}
    return sorted(found)


def make(root: Path = ROOT) -> None:
    """Makes our folder, with one for the node's own processes beneath it; raises ``OSError`` if not permitted."""
    for hierarchy in hierarchies(root):
        for folder in (hierarchy / CGROUP, hierarchy / CGROUP / _SYSTEM):
            if (folder.parent / "cgroup.controllers").is_file():
                _delegate(folder.parent)
            folder.mkdir(exist_ok=True)
            # A cpuset of version 1 starts empty, and an empty one accepts no process.
            for name in ("cpuset.cpus", "cpuset.mems"):
                inherited = folder.parent / name
                if inherited.is_file() and not (folder / name).read_text().strip():
                    (folder / name).write_text(inherited.read_text())


def _delegate(folder: Path) -> None:
    """Version 2: enables every possible controller for child folders, which processes in the root do not prevent."""
    for controller in (folder / "cgroup.controllers").read_text().split():
        with contextlib.suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def enter(root: Path = ROOT) -> None:
    """Moves this process into the folder of the node's own processes."""
    for hierarchy in hierarchies(root):
        (hierarchy / CGROUP / _SYSTEM / "cgroup.procs").write_text(str(os.getpid()))


def clear(root: Path = ROOT, seconds: float = 10.0) -> list[Path]:
    """Kills the processes beneath our folder and removes it; returns the folders that could not be removed."""
    until = time.monotonic() + seconds
    while True:
        left = [hierarchy / CGROUP for hierarchy in hierarchies(root) if (hierarchy / CGROUP).is_dir()]
        for top in left:
            _remove(top)
        left = [top for top in left if top.is_dir()]
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.05)


def _remove(top: Path) -> None:
    for folder, _, _ in os.walk(top, topdown=False):
        with contextlib.suppress(OSError):
            for pid in (Path(folder) / "cgroup.procs").read_text().split():
                # 0 stands for a process of a pid namespace that we do not see; only that namespace can end it.
                if int(pid) > 0:
                    os.kill(int(pid), signal.SIGKILL)
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
