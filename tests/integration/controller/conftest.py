"""An operator process against the real API server, and a stand-in for the kubelet, which this tier lacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.controller.faultproxy import FaultProxy
from integration.controller.kubelet import Kubelet
from integration.controller.operatorprocess import OperatorProcess
from kube import Kube


@pytest.fixture
def proxy(kube: Kube, tmp_path: Path) -> Iterator[FaultProxy]:
    with FaultProxy(kube, tmp_path) as running:
        yield running


@pytest.fixture
def operator(proxy: FaultProxy, tmp_path: Path, namespace: str) -> Iterator[OperatorProcess]:
    """Not started yet. It sees every namespace, so tests with it run one after the other and remove their Tasks."""
    process = OperatorProcess(proxy.kubeconfig, tmp_path, namespace=namespace)
    yield process
    process.kill()


@pytest.fixture(scope="module")
def running(kube: Kube, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """An operator that runs for all tests of a file, without a proxy."""
    process = OperatorProcess(kubeconfig, tmp_path_factory.mktemp("operator"), namespace=kube.create_namespace())
    process.start()
    process.wait_ready()
    yield process
    process.kill()


@pytest.fixture
def kubelet(kube: Kube, namespace: str) -> Kubelet:
    return Kubelet(kube, namespace)


@pytest.fixture(autouse=True)
def clean(kube: Kube, namespace: str) -> Iterator[None]:
    """Removes the test's Tasks, so that the next test's operator does not see them."""
    yield
    for plural in ("tasks", "taskinputs", "workspacebuilds", "pods", "networkpolicies"):
        for found in kube.list(plural, namespace):
            kube.delete(plural, namespace, found["metadata"]["name"], now=plural == "pods")
