"""taskyard-init for the tests only, so that no running program is replaced; built once for all processes of a run."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "operator" / "init"


def build(factory: pytest.TempPathFactory, *targets: str) -> Path:
    """Makes these targets of the Makefile ("all": the program as it is installed); returns the folder of the builds."""
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # The run's folder, which has those of its processes.
        folder = folder.parent
    folder /= "init-builds"
    folder.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = ["make", "-s", "-C", SOURCE, f"BUILD={folder}", *targets]
        subprocess.run(command, check=True, timeout=120, env=environment)
    return folder


def program(factory: pytest.TempPathFactory) -> Path:
    """The program as it is installed."""
    return build(factory, "all") / "taskyard-init"
