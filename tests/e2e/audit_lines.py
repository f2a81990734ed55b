"""The output of the installation's gateways, with the lines of their audit log."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from localcluster import install, programs

SELECTOR = "app.kubernetes.io/component=gateway"
SECONDS = 120.0


def output(kubeconfig: Path) -> list[str]:
    """What the gateways that there are have written so far, as far as their node keeps it. While another process' test
    has stopped a part of the cluster, that is waited for."""
    until = time.monotonic() + SECONDS
    while (result := _logs(kubeconfig)).returncode != 0:
        assert time.monotonic() < until, result.stderr
        time.sleep(1)
    return result.stdout.splitlines()


def _logs(kubeconfig: Path) -> subprocess.CompletedProcess[str]:
    of_gateways = ("--namespace", install.NAMESPACE, "logs", "--selector", SELECTOR, "--tail=-1")
    return subprocess.run(
        [programs.kubectl(), "--kubeconfig", kubeconfig, *of_gateways],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
