"""The output of the installation's gateways, with the lines of their audit log."""

from __future__ import annotations

import subprocess
from pathlib import Path

from localcluster import install, programs

SELECTOR = "app.kubernetes.io/component=gateway"


def output(kubeconfig: Path) -> list[str]:
    """What the gateways that there are have written so far, as far as their node keeps it."""
    of_gateways = ("--namespace", install.NAMESPACE, "logs", "--selector", SELECTOR, "--tail=-1")
    result = subprocess.run(
        [programs.kubectl(), "--kubeconfig", kubeconfig, *of_gateways],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()
