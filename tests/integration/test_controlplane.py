"""The API server that this tier uses."""

import json
import subprocess
from pathlib import Path

from localcluster import programs
from localcluster.controlplane import ControlPlane


def _get(kubeconfig: Path, path: str) -> str:
    return subprocess.run(
        [programs.kubectl(), "--kubeconfig", kubeconfig, "get", "--raw", path],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout


def test_the_api_server_reports_the_version_it_was_built_from(kubeconfig: Path) -> None:
    assert json.loads(_get(kubeconfig, "/version"))["gitVersion"] == f"v{programs.KUBERNETES_VERSION}"


def test_stored_objects_survive_a_restart_of_the_api_server(
    control_plane: ControlPlane, kubeconfig: Path, namespace: str
) -> None:
    control_plane.restart_apiserver()
    assert json.loads(_get(kubeconfig, f"/api/v1/namespaces/{namespace}"))["status"]["phase"] == "Active"
