"""The installation's proxy: receivers are reached by it, and what is known not to be allowed is not asked of it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from taskyard.notifier import webhook
from taskyard.notifier.connect_proxy import ConnectProxy
from taskyard.notifier.egress_proxy import EgressProxy
from taskyard.notifier.guarded_dns import GuardedDns
from unit.notifier.appriseservices import TEXT, restored, sending
from unit.notifier.appriseservices import refused as refused_by_apprise
from unit.notifier.receivers import LOOPBACK, OK, Names, always, answer, authority, dns, names, receiver, serving, trust
from unit.notifier.webhooksending import SECRET_PATH, refused, send, webhooks

__all__ = ["restored"]

HIDDEN = "hidden.test"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("http://proxy.test:3128", EgressProxy("proxy.test", 3128), id="host and port"),
        pytest.param("http://proxy.test/", EgressProxy("proxy.test", 80), id="no port"),
        pytest.param("proxy.test:3128", EgressProxy("proxy.test", 3128), id="no scheme"),
        pytest.param("http://[fd00::1]:3128", EgressProxy("fd00::1", 3128), id="IPv6"),
        pytest.param("http://me:p%40ss@proxy.test:1", EgressProxy("proxy.test", 1, "me", "p@ss"), id="with a password"),
    ],
)
def test_a_proxy_is_a_host_and_a_port(address: str, expected: EgressProxy) -> None:
    found = EgressProxy.of(address, exceptions="")
    assert found == expected
    assert "p@ss" not in found.url and "p%40ss" not in found.url


@pytest.mark.parametrize(
    "address", ["https://proxy.test", "socks5://proxy.test", "http://", "http://proxy.test/path", "http://proxy.test:x"]
)
def test_what_is_no_such_proxy_is_refused(address: str) -> None:
    with pytest.raises(ValueError):
        _ = EgressProxy.of(address, exceptions="")


@pytest.mark.parametrize(
    ("exceptions", "host", "expected"),
    [
        pytest.param("", "a.test", True, id="no exception"),
        pytest.param("a.test", "a.test", False, id="the host"),
        pytest.param(".test, b.example", "a.test", False, id="a domain above it"),
        pytest.param("b.test", "a.test", True, id="another host"),
        pytest.param("10.0.0.1", "10.0.0.1", False, id="an address"),
        pytest.param("fd00::1", "fd00::1", False, id="an address of IPv6"),
        pytest.param("a.test:8443", "a.test", True, id="another port"),
        pytest.param("a.test:443", "a.test", False, id="the port"),
        pytest.param("*", "a.test", False, id="everything"),
    ],
)
def test_some_hosts_are_reached_without_it(exceptions: str, host: str, expected: bool) -> None:
    assert EgressProxy("proxy.test", 3128, exceptions=exceptions).leads_to(host, 443) is expected


# --- what is sent through it


class Unknown:
    """Name servers that know the proxy's names no more than those of a cluster without a way out."""

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")


@contextlib.asynccontextmanager
async def proxy(**known: str) -> AsyncIterator[tuple[EgressProxy, Names]]:
    """A proxy that knows these names, and may connect to loopback."""
    lookup = names(**known)
    running = ConnectProxy(GuardedDns(allowed=LOOPBACK, lookup=lookup))
    yield EgressProxy.of(await running.start(), exceptions=""), lookup
    await running.close()


CLUSTER = GuardedDns(lookup=Unknown())


async def test_a_webhook_is_reached_by_the_proxy_though_its_name_is_not_known_here(tmp_path: Path) -> None:
    known = authority()
    async with receiver(tls=serving(known, tmp_path, HIDDEN)) as served, proxy(hidden_test="127.0.0.1") as (by, asked):
        trusted = webhook.trusted(trust(known, tmp_path))
        address = served.url(scheme="https", host=HIDDEN)
        await send(address, guard=CLUSTER, tls=trusted, egress=by)
        async with webhooks(CLUSTER, tls=trusted, egress=by) as sending_:
            await sending_.check(address, "")
        assert asked.asked == [HIDDEN]
        error = await refused(address, guard=CLUSTER, tls=trusted)
        assert "has no address" in error.message, "without the proxy"
    assert [each.method for each in served.requests] == ["POST"]
    assert "proxy-authorization" not in served.requests[0].headers


async def test_the_receiver_is_verified_as_without_a_proxy(tmp_path: Path) -> None:
    async with (
        receiver(tls=serving(authority(), tmp_path, HIDDEN)) as served,
        proxy(hidden_test="127.0.0.1") as (by, _),
    ):
        trusted = webhook.trusted(trust(authority(), tmp_path))
        address = served.url(SECRET_PATH, scheme="https", host=HIDDEN)
        error = await refused(address, guard=CLUSTER, tls=trusted, egress=by)
    assert f"the certificate of {HIDDEN} is not trusted" in error.message
    assert served.requests == []


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("private.test", id="a name of a private address"),
        pytest.param("10.0.0.1", id="a private address"),
        pytest.param("169.254.169.254", id="a metadata service"),
        pytest.param("[::1]", id="loopback of IPv6"),
    ],
)
async def test_what_is_known_not_to_be_allowed_is_not_asked_of_the_proxy(host: str) -> None:
    guard = GuardedDns(lookup=names(private_test="10.0.0.1"))
    async with proxy(private_test="127.0.0.1") as (by, asked):
        error = await refused(f"https://{host}{SECRET_PATH}", guard=guard, egress=by)
        async with sending(guard, by, schemes="jsons") as service:
            await refused_by_apprise(service, f"jsons://{host}/T0K3N")
    assert error.reason == "AddressRefused"
    assert asked.asked == []


async def test_a_redirect_is_followed_by_the_proxy_and_checked(tmp_path: Path) -> None:
    known = authority()
    guard = GuardedDns(lookup=names(hidden_test="93.184.216.34", private_test="10.0.0.1"))
    reply = always(answer(307, "Location: https://private.test/"))
    async with (
        receiver(reply, tls=serving(known, tmp_path, HIDDEN)) as served,
        proxy(hidden_test="127.0.0.1", private_test="127.0.0.1") as (by, asked),
    ):
        trusted = webhook.trusted(trust(known, tmp_path))
        error = await refused(served.url(scheme="https", host=HIDDEN), guard=guard, tls=trusted, egress=by)
    assert error.reason == "AddressRefused" and asked.asked == [HIDDEN]


async def test_an_exception_and_what_is_without_tls_are_reached_directly(tmp_path: Path) -> None:
    known = authority()
    async with receiver(tls=serving(known, tmp_path)) as served, proxy() as (by, asked):
        exempt = replace(by, exceptions=".test")
        trusted = webhook.trusted(trust(known, tmp_path))
        await send(served.url(scheme="https"), guard=dns(), tls=trusted, egress=exempt)
        assert len(served.requests) == 1
    async with receiver() as plain:
        await send(plain.url(), guard=dns(), egress=by)
        assert len(plain.requests) == 1
    assert asked.asked == []


async def test_a_proxy_that_refuses_or_is_down_is_told() -> None:
    async with receiver(always(answer(407))) as served:
        by = EgressProxy("127.0.0.1", served.port)
        error = await refused(f"https://{HIDDEN}{SECRET_PATH}", guard=CLUSTER, egress=by)
        assert error.message == f"the installation's proxy does not connect to {HIDDEN}: it answered 407"
        with pytest.raises(OSError, match="407"):
            await by.connect(HIDDEN, 443)
    error = await refused(f"https://{HIDDEN}{SECRET_PATH}", guard=CLUSTER, egress=by)
    assert "the installation's proxy cannot be reached: Connection refused" in error.message
    with pytest.raises(OSError):
        await by.connect(HIDDEN, 443)


@pytest.mark.parametrize("reply", [b"SSH-2.0\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"", b"x" * 20_000])
async def test_what_is_no_proxy_is_an_error_of_the_connection(reply: bytes) -> None:
    async with receiver(always(reply)) as served, asyncio.timeout(5):
        with pytest.raises(OSError):
            await EgressProxy("127.0.0.1", served.port).connect(HIDDEN, 443)


async def test_user_and_password_are_given_to_the_proxy() -> None:
    async with receiver(always(answer(403))) as served:
        by = EgressProxy.of(f"http://me:S3CR3T@127.0.0.1:{served.port}", exceptions="")
        await refused(f"https://{HIDDEN}{SECRET_PATH}", guard=CLUSTER, egress=by)
        with pytest.raises(OSError):
            await by.connect("2606:4700::1", 443)
    first, second = served.requests
    assert (first.method, first.path) == ("CONNECT", f"{HIDDEN}:443")
    assert (second.method, second.path) == ("CONNECT", "[2606:4700::1]:443")
    assert {each.headers["proxy-authorization"] for each in served.requests} == {"Basic bWU6UzNDUjNU"}


async def test_apprise_sends_by_it_too(tmp_path: Path) -> None:
    known = authority()
    async with (
        receiver(OK, tls=serving(known, tmp_path, HIDDEN)) as served,
        proxy(hidden_test="127.0.0.1") as (by, asked),
        sending(CLUSTER, by, schemes="jsons", certificates=trust(known, tmp_path)) as service,
    ):
        await service.send(served.url("/T0K3N", scheme="jsons", host=HIDDEN), TEXT)
    assert [each.path for each in served.requests] == ["/T0K3N"] and asked.asked == [HIDDEN]
