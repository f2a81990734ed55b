"""Builds taskyard-init, and gives each test a Pod: a gateway, an agent under taskyard-init, and the sidecar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import initprogram
from unit.sidecar.authority import Authority
from unit.sidecar.gateway_app import GatewayApp
from unit.sidecar.pod import Pod, forking_sidecars


@pytest.fixture(scope="session", autouse=True)
def forks() -> Iterator[None]:
    """Sidecars are forks of a process that has imported them, unless a test starts one anew."""
    with forking_sidecars():
        yield


@pytest.fixture(scope="session")
def init_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return initprogram.program(tmp_path_factory)


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def gateway(authority: Authority, tmp_path: Path) -> Iterator[GatewayApp]:
    with gateway_running(authority, tmp_path) as app:
        yield app


@pytest.fixture
def pod(gateway: GatewayApp, init_program: Path, tmp_path: Path) -> Iterator[Pod]:
    with pod_running(gateway, init_program, tmp_path) as pod:
        yield pod


@pytest.fixture(scope="module")
def shared_pod(authority: Authority, init_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """One shell with its sidecar, for tests that leave them unchanged."""
    folder = tmp_path_factory.mktemp("pod")
    with gateway_running(authority, folder) as gateway, pod_running(gateway, init_program, folder) as pod:
        pod.start_agent()
        pod.start_sidecar()
        pod.until_stable()
        yield pod


@contextmanager
def gateway_running(authority: Authority, folder: Path) -> Iterator[GatewayApp]:
    app = GatewayApp(authority, folder)
    app.start()
    try:
        yield app
    finally:
        app.stop()


@contextmanager
def pod_running(gateway: GatewayApp, init_program: Path, folder: Path) -> Iterator[Pod]:
    pod = Pod(folder, gateway, init_program)
    try:
        yield pod
    finally:
        pod.close()
    if pod.log.exists():
        assert "Traceback" not in pod.log.read_text(), pod.log.read_text()
