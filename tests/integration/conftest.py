"""A real kube-apiserver for the tests of this folder, started once for all of them.

No controller-manager runs: service accounts are not created automatically, nothing is garbage collected, and a deleted
namespace stays Terminating. So each test has a namespace of its own.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditrun import RUN
from forkserver import forking
from kube import Kube
from localcluster import programs, progress
from localcluster.controlplane import ControlPlane
from localcluster.locations import REPOSITORY

_FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if str(item.path).startswith(f"{_FOLDER}/"):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session", autouse=True)
def audit_run() -> Iterator[None]:
    """No line of any gateway's audit log has a prompt, a message, a token or the value of a Secret that these tests
    have used. It is entered before the fixtures that start gateways, so that it ends when they have stopped."""
    with RUN.searching():
        yield


@pytest.fixture(scope="module", autouse=True)
def audit_of_module(audit_run: None) -> Iterator[None]:
    """What is wrong with a line is told at the end of the test module in which it was written."""
    yield
    RUN.search()


@pytest.fixture(scope="session", autouse=True)
def forks() -> Iterator[None]:
    """Operators and gateways are forks of a process that has imported them, unless a test starts one anew."""
    with forking("taskyard.controller.main"), forking("taskyard.gateway.main"):
        yield


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """etcd and kube-apiserver on loopback, with the CRDs of ``crds/`` established."""
    if sys.platform != "linux":
        reason = "integration tier: etcd and kube-apiserver are built for Linux only"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    directory = tmp_path_factory.mktemp("control-plane")
    try:
        with ControlPlane(directory) as cp:
            _apply_crds(cp.kubeconfig)
            yield cp
    except progress.StepError as failure:
        pytest.fail(f"{failure} (log: {failure.log})", pytrace=False)


@pytest.fixture(scope="session")
def kubeconfig(control_plane: ControlPlane) -> Path:
    """An administrator's kubeconfig of the API server under test."""
    return control_plane.kubeconfig


@pytest.fixture(scope="session")
def kube(kubeconfig: Path) -> Iterator[Kube]:
    client = Kube(kubeconfig)
    yield client
    client.close()


@pytest.fixture
def namespace(kube: Kube) -> str:
    """A fresh namespace for one test (with the service account ``default``, which no controller makes here)."""
    return kube.create_namespace()


def _apply_crds(kubeconfig: Path) -> None:
    if sorted((REPOSITORY / "crds").glob("*.yaml")):
        folder = str(REPOSITORY / "crds")
        _kubectl(kubeconfig, "apply", "--server-side", "-f", folder)
        _kubectl(kubeconfig, "wait", "--for=condition=Established", "--timeout=30s", "-f", folder)


def _kubectl(kubeconfig: Path, *arguments: str) -> None:
    result = subprocess.run(
        [programs.kubectl(), "--kubeconfig", kubeconfig, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if result.returncode != 0:
        pytest.fail(f"kubectl {' '.join(arguments)}: {result.stderr.strip()}", pytrace=False)
