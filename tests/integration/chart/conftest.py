"""API servers to install the chart to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.chart.installation import NAMESPACE, Cluster
from integration.requestlog import RequestLog
from localcluster.controlplane import ControlPlane
from localcluster.locations import REPOSITORY


@pytest.fixture(scope="module")
def cluster(kubeconfig: Path) -> Cluster:
    """The tier's shared API server, with the installation's namespace but without the chart."""
    cluster = Cluster(kubeconfig)
    cluster.kubectl("create", "namespace", NAMESPACE)
    return cluster


@pytest.fixture(scope="session")
def request_log(tmp_path_factory: pytest.TempPathFactory) -> RequestLog:
    """What operator and gateway ask of the API server with the chart."""
    return RequestLog(tmp_path_factory.mktemp("audit"))


@pytest.fixture(scope="session")
def installed(
    control_plane: ControlPlane, request_log: RequestLog, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """One more API server, with the chart installed by helm.

    It enforces the rights that setting an ownerReference needs, as hardened clusters do. The fixture ``control_plane``
    is used only because it skips where this tier cannot run.
    """
    plugins = "--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement"
    with ControlPlane(tmp_path_factory.mktemp("installed"), apiserver_flags=(plugins, *request_log.flags)) as running:
        cluster = Cluster(running.kubeconfig)
        cluster.install()
        cluster.must("wait", "--for=condition=Established", "--timeout=30s", "-f", str(REPOSITORY / "crds"))
        yield cluster
