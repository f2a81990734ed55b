"""Which group a connection to the sidecar belongs to."""

from __future__ import annotations

import pytest

from taskyard.sidecar.http.listener import pod_or_none


@pytest.mark.parametrize(
    ("peer", "own", "expected"),
    [
        pytest.param("10.1.2.3", "10.1.2.4", None, id="another Pod"),
        pytest.param("10.1.2.4", "10.1.2.4", "pod", id="the Pod by its address"),
        pytest.param("127.0.0.7", "127.0.0.1", "pod", id="the Pod by loopback"),
        pytest.param("::1", "::1", "pod", id="the Pod by IPv6's loopback"),
        pytest.param("::ffff:127.0.0.7", "::ffff:127.0.0.1", "pod", id="loopback through a socket of both families"),
        pytest.param("::ffff:10.1.2.3", "::ffff:10.1.2.4", None, id="another Pod through a socket of both families"),
        pytest.param("fe80::1%eth0", "fe80::2%eth0", None, id="another one on the link"),
    ],
)
def test_connections_of_the_pod_itself_are_distinguished_from_others(peer: str, own: str, expected: str | None) -> None:
    assert pod_or_none(peer, own) == expected
