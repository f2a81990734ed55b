"""Notifiers, sinks and receivers, around an API server with the chart installed."""

from __future__ import annotations

import importlib.util
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from forkserver import forking
from integration.chart.installation import Cluster
from integration.notifier import audited
from integration.notifier.audited import Installed
from integration.notifier.namespacesinks import NamespaceSinks
from integration.notifier.notifierprocess import MODULE, NotifierProcess
from integration.notifier.receivers import MailServer, WebhookReceiver
from kube import Kube
from localcluster.controlplane import ControlPlane

Enter = Callable[..., NotifierProcess]


@pytest.fixture(scope="session", autouse=True)
def notifier_forks() -> Iterator[None]:
    """Notifiers are forks of a process that has imported them, and Apprise with its services: that takes a second of a
    core, which each would need at its first sink of that type."""
    apprise = importlib.util.find_spec("apprise")
    assert apprise is not None and apprise.submodule_search_locations
    services = pkgutil.iter_modules([f"{apprise.submodule_search_locations[0]}/plugins"], "apprise.plugins.")
    with forking(MODULE, also=("requests", "urllib3", *(service.name for service in services))):
        yield


@pytest.fixture(scope="session")
def installed(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """One more API server, with the chart installed by helm. The fixture ``control_plane`` is used only since it skips
    where this tier cannot run."""
    with audited.installed(tmp_path_factory.mktemp("notifier")) as found:
        yield found


@pytest.fixture(scope="session")
def cluster(installed: Installed) -> Cluster:
    return installed.cluster


@pytest.fixture(scope="session")
def kube(cluster: Cluster) -> Iterator[Kube]:
    """An administrator's client of the API server with the chart, instead of the tier's."""
    client = Kube(cluster.kubeconfig)
    audited.wait_served(client)
    yield client
    client.close()


@pytest.fixture
def sinks(kube: Kube, namespace: str) -> Iterator[NamespaceSinks]:
    """The sinks of the test's namespace, removed afterwards."""
    found = NamespaceSinks(kube, namespace)
    yield found
    found.clear()


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as running:
        yield running
        assert running.refused == []


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


@pytest.fixture
def enter(cluster: Cluster, tmp_path: Path) -> Iterator[Enter]:
    """`enter()` makes a notifier of the test's own, not started yet; it is killed after the test."""
    with ExitStack() as stack:

        def make(name: str = "notifier-0", **environment: str) -> NotifierProcess:
            process = NotifierProcess(cluster, tmp_path, name=name, **environment)
            stack.callback(process.kill)
            return process

        yield make


@pytest.fixture(scope="module")
def running(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotifierProcess]:
    """A notifier that runs for all tests of a file."""
    process = NotifierProcess(cluster, tmp_path_factory.mktemp("notifier"))
    process.begin()
    yield process
    process.kill()
    assert "Traceback" not in process.log, process.log
