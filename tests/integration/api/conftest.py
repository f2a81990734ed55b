"""kubectl against the API server under test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from localcluster import programs

Kubectl = Callable[..., "subprocess.CompletedProcess[str]"]
Object = dict[str, Any]


@pytest.fixture
def kubectl(kubeconfig: Path, namespace: str) -> Kubectl:
    """kubectl in the test's namespace; manifests go to its standard input as YAML."""

    def run(*arguments: str, stdin: Object | str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [programs.kubectl(), "--kubeconfig", kubeconfig, "--namespace", namespace, *arguments],
            input=stdin if isinstance(stdin, str) else yaml.safe_dump(stdin),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
