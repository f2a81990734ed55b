"""One gateway process for all tests of this folder, and a namespace for each test."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from integration.gateway.administrator import Administrator
from integration.gateway.enrollment import enroll
from integration.gateway.gatewayprocess import Gateway, new_keyring
from integration.gateway.workspace import RunningTask, Workspace
from taskyard.core.security.keyring import Keyring


@pytest.fixture(scope="session")
def admin(kubeconfig: Path) -> Iterator[Administrator]:
    administrator = Administrator(kubeconfig)
    yield administrator
    administrator.close()


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return new_keyring()


@pytest.fixture(scope="session")
def gateway(admin: Administrator, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(admin, tmp_path_factory.mktemp("gateway"), anew=True).serving(keyring) as process:
        yield process


@pytest.fixture
def fresh_gateway(admin: Administrator, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that has not been started, in an installation without keys."""
    process = Gateway(admin, tmp_path)
    yield process
    process.end()


@pytest.fixture
def client(gateway: Gateway, keyring: Keyring) -> Iterator[httpx.Client]:
    with gateway.client(keyring) as http:
        yield http


@pytest.fixture
def workspace(admin: Administrator, namespace: str) -> Workspace:
    return Workspace(admin, namespace)


@pytest.fixture
def running(workspace: Workspace) -> RunningTask:
    """A Task whose Pod has not enrolled yet."""
    return workspace.running_task()


@pytest.fixture
def token(client: httpx.Client, running: RunningTask) -> str:
    """The token that its sidecar uses once it has enrolled."""
    answer: str = enroll(client, running.token).json()["token"]
    return answer
