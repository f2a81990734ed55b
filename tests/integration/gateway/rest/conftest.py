"""A town for each test, and another one whose people may see nothing of the first."""

import uuid
from collections.abc import Iterator

import pytest

from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.town import Town
from taskyard.core.security.keyring import Keyring


@pytest.fixture
def town(admin: Administrator, gateway: Gateway, keyring: Keyring, namespace: str) -> Iterator[Town]:
    town = Town(admin, gateway, keyring, namespace)
    yield town
    town.close()


@pytest.fixture
def own_gateway(fresh_gateway: Gateway, keyring: Keyring) -> Iterator[Gateway]:
    """A gateway of the test's own, which it may end."""
    with fresh_gateway.serving(keyring) as gateway:
        yield gateway


@pytest.fixture
def own_town(admin: Administrator, own_gateway: Gateway, keyring: Keyring, namespace: str) -> Iterator[Town]:
    """The town of that gateway."""
    town = Town(admin, own_gateway, keyring, namespace)
    yield town
    town.close()


@pytest.fixture
def other_town(admin: Administrator, gateway: Gateway, keyring: Keyring) -> Iterator[Town]:
    name = f"other-{uuid.uuid4().hex[:8]}"
    admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
    town = Town(admin, gateway, keyring, name)
    yield town
    town.close()
