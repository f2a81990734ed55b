"""Starts a command that ends with this process, however that ends: a killed demo leaves no helm or kubectl behind."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from localcluster import locations

# The guard gives its command 5 s between SIGTERM and SIGKILL.
_SECONDS_TO_END = 10.0


def start(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    folder: Path,
    output: IO[bytes] | int,
    errors: int,
) -> "subprocess.Popen[bytes]":
    """Starts ``command`` under a guard, which exits with the command's status."""
    return subprocess.Popen(
        [sys.executable, "-m", "localcluster.guard", *command],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=errors,
        env={**os.environ, "PYTHONPATH": str(locations.PACKAGE_ROOT), **environment},
        cwd=folder,
    )


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ends the command and waits; does nothing if it has ended."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
