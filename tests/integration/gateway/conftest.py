"""One gateway process for all tests of this folder, and a namespace of its own for each."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from integration.gateway.world import Administrator, Gateway, Workspace, new_keyring
from taskyard.core.keyring import Keyring


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
    process = Gateway(admin, f"taskyard-{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("gateway"))
    process.make_keys(keyring)
    process.start()
    try:
        process.wait_until("/readyz", 200)
        yield process
    finally:
        process.stop()


@pytest.fixture
def client(gateway: Gateway, keyring: Keyring) -> Iterator[httpx.Client]:
    with gateway.client(keyring) as http:
        yield http


@pytest.fixture
def workspace(admin: Administrator, namespace: str) -> Workspace:
    return Workspace(admin, namespace)
