"""A namespace for each test, and another one whose users may see nothing of the first."""

import uuid
from collections.abc import Iterator

import pytest

from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.rest_namespace import RestNamespace
from taskyard.core.security.keyring import Keyring


@pytest.fixture
def ns(admin: Administrator, gateway: Gateway, keyring: Keyring, namespace: str) -> Iterator[RestNamespace]:
    ns = RestNamespace(admin, gateway, keyring, namespace)
    yield ns
    ns.close()


@pytest.fixture
def own_gateway(fresh_gateway: Gateway, keyring: Keyring) -> Iterator[Gateway]:
    """The test's own gateway, which it may stop."""
    with fresh_gateway.serving(keyring) as gateway:
        yield gateway


@pytest.fixture
def own_ns(admin: Administrator, own_gateway: Gateway, keyring: Keyring, namespace: str) -> Iterator[RestNamespace]:
    """A namespace of that gateway."""
    ns = RestNamespace(admin, own_gateway, keyring, namespace)
    yield ns
    ns.close()


@pytest.fixture
def other_ns(admin: Administrator, gateway: Gateway, keyring: Keyring) -> Iterator[RestNamespace]:
    name = f"other-{uuid.uuid4().hex[:8]}"
    admin.create("/api/v1/namespaces", {"metadata": {"name": name}})
    ns = RestNamespace(admin, gateway, keyring, name)
    yield ns
    ns.close()
