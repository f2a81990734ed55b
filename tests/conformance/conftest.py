"""The endpoint under test: one given by URL, else our sidecar with a shell under taskyard-init, both real processes.

    pytest tests/conformance --agentapi-url http://127.0.0.1:3284 [--token …] [--agentapi-ca ca.pem]

The agent of a server that is given by URL must be an interactive shell at its prompt.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import initprogram
from conformance.endpoint import PATIENCE, Endpoint
from unit.sidecar.authority import Authority
from unit.sidecar.conftest import gateway_running, pod_running
from unit.sidecar.gateway_app import POD_UID


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("agentapi")
    group.addoption("--agentapi-url", help="a server of the AgentAPI contract, instead of our own")
    group.addoption("--token", help="the bearer token that it requires")
    group.addoption("--agentapi-ca", help="file with the certificate authority of an https URL")


@pytest.fixture(scope="session")
def endpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    option = request.config.getoption
    if url := option("--agentapi-url", default=None):
        authority = option("--agentapi-ca", default=None)
        token = option("--token", default=None)
        with httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            verify=ssl.create_default_context(cafile=authority) if authority else True,
            timeout=PATIENCE,
            trust_env=False,
        ) as client:
            yield Endpoint(client, {}, ours=False)
        return
    with our_endpoint(tmp_path_factory.mktemp("conformance"), initprogram.program(tmp_path_factory)) as endpoint:
        yield endpoint


@contextmanager
def our_endpoint(folder: Path, init: Path) -> Iterator[Endpoint]:
    with gateway_running(Authority(), folder) as gateway, pod_running(gateway, init, folder) as pod:
        pod.start_agent()
        pod.start_sidecar()
        pod.until_stable()
        yield Endpoint(pod.client, {"sni_hostname": POD_UID}, ours=True)


@pytest.fixture
def stable(endpoint: Endpoint) -> Endpoint:
    endpoint.until_stable()
    return endpoint


@pytest.fixture
def ours(stable: Endpoint) -> Endpoint:
    """For behaviour in which the contract's original server falls short of ours."""
    if not stable.ours:
        pytest.skip("a known fault of the contract's original server, which another one may share")
    return stable
