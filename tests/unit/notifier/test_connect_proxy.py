"""The proxy for Apprise, with real sockets: it connects where it may, and holds nobody for long."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from taskyard.notifier import connect_proxy
from taskyard.notifier.connect_proxy import ConnectProxy
from taskyard.notifier.guarded_dns import GuardedDns
from taskyard.notifier.shared_threads import NAMESPACE
from unit.notifier.receivers import LOOPBACK, Names, always, answer, dns, names, receiver

GET = b"GET /hook HTTP/1.1\r\nHost: receiver.test\r\n\r\n"


@contextlib.asynccontextmanager
async def proxy(guard: GuardedDns | None = None) -> AsyncIterator[int]:
    """The port of a proxy. At the end of the block no task of it is left."""
    serving = ConnectProxy(guard or dns())
    url = urlsplit(await serving.start())
    assert url.hostname == "127.0.0.1"
    yield int(url.port or 0)
    await serving.close()
    if left := {task for task in asyncio.all_tasks() if is_of_the_proxy(task)}:
        _, pending = await asyncio.wait(left, timeout=5)
        assert not pending


def is_of_the_proxy(task: asyncio.Task[object]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and code.co_filename == connect_proxy.__file__


async def exchange(port: int, *parts: bytes, head: bool = True) -> bytes:
    """All that is answered to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.closing(writer):
        found = b""
        for number, part in enumerate(parts):
            if number and head:
                found += await reader.readuntil(b"\r\n\r\n")
            writer.write(part)
            await writer.drain()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                found += data
    return found


def connect(target: str) -> bytes:
    return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode()


async def test_it_connects_to_an_address_that_is_allowed() -> None:
    async with receiver(always(answer(200, body=b"hello"))) as served, proxy() as port:
        found = await exchange(port, connect(f"receiver.test:{served.port}"), GET)
    assert found.startswith(b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 ")
    assert found.endswith(b"hello")
    assert [each.path for each in served.requests] == ["/hook"]


async def test_it_connects_to_the_first_address_that_takes_a_connection() -> None:
    lookup = names(receiver_test="127.0.0.9,127.0.0.1")
    async with receiver(always(answer(200, body=b"hello"))) as served, proxy(dns(lookup)) as port:
        found = await exchange(port, connect(f"receiver.test:{served.port}"), GET)
    assert found.endswith(b"hello")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("private.test", b"403", id="a name of a private address"),
        pytest.param("10.0.0.1", b"403", id="a private address"),
        pytest.param("[::1]", b"403", id="loopback of IPv6"),
        pytest.param("[::ffff:10.0.0.1]", b"403", id="a private address in IPv6"),
        pytest.param("169.254.169.254", b"403", id="a metadata service"),
    ],
)
async def test_it_refuses_private_addresses(host: str, status: bytes) -> None:
    async with proxy() as port:
        assert (await exchange(port, connect(f"{host}:443"))).split(b" ")[1] == status


async def test_a_name_that_changes_its_address_opens_nothing() -> None:
    async with receiver() as served, proxy(GuardedDns(lookup=Names(receiver_test=[["127.0.0.1"]]))) as port:
        found = await exchange(port, connect(f"receiver.test:{served.port}"))
    assert found.startswith(b"HTTP/1.1 403 ")
    assert served.connections == 0


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(b"GET http://receiver.test/ HTTP/1.1\r\n\r\n", b"405", id="a request without TLS"),
        pytest.param(b"POST http://127.0.0.1:80/ HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", b"405", id="a POST"),
        pytest.param(connect("receiver.test"), b"405", id="no port"),
        pytest.param(connect("receiver.test:0"), b"405", id="port 0"),
        pytest.param(connect("receiver.test:99999"), b"405", id="a port that there is not"),
        pytest.param(connect("receiver.test:4_3"), b"405", id="a port in Python's spelling"),
        pytest.param(connect(":443"), b"405", id="no host"),
        pytest.param(connect("[::1:443"), b"405", id="half a bracket"),
        pytest.param(b"CONNECT\r\n\r\n", b"405", id="a method alone"),
        pytest.param(b"\xff\xfe\r\n\r\n", b"405", id="no text"),
        pytest.param(
            b"CONNECT x:1 HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", b"431", id="a head that is too long"
        ),
    ],
)
async def test_it_takes_nothing_but_a_connect(head: bytes, status: bytes) -> None:
    async with proxy() as port:
        assert (await exchange(port, head)).split(b" ")[1] == status


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param("", "", id="nobody says"),
        pytest.param("Proxy-Authorization: Basic dGVhbTot", "team", id="team:-"),
        pytest.param("proxy-authorization:  basic dGVhbS1iOg==", "team-b", id="another case, and no password"),
        pytest.param("Proxy-Authorization: Bearer dGVhbTot", "", id="another scheme"),
    ],
)
async def test_a_name_is_looked_up_for_the_namespace_that_is_the_user(header: str, expected: str) -> None:
    asked: list[str] = []

    async def lookup(host: str, port: int) -> list[str]:
        asked.append(NAMESPACE.get())
        return ["127.0.0.1"]

    head = connect("receiver.test:9").replace(b"\r\n\r\n", f"\r\n{header}\r\n\r\n".encode() if header else b"\r\n\r\n")
    async with proxy(GuardedDns(allowed=LOOPBACK, lookup=lookup)) as port:
        await exchange(port, head)
    assert asked == [expected]


async def test_a_user_that_is_none_is_refused() -> None:
    head = connect("receiver.test:9").replace(b"\r\n\r\n", b"\r\nProxy-Authorization: Basic ***\r\n\r\n")
    async with proxy() as port:
        assert (await exchange(port, head)).startswith(b"HTTP/1.1 405 ")


async def test_a_port_where_nobody_listens_is_told() -> None:
    async with receiver() as served:
        pass
    async with proxy() as port:
        assert (await exchange(port, connect(f"receiver.test:{served.port}"))).startswith(b"HTTP/1.1 502 ")


async def test_a_head_that_does_not_end_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect_proxy, "HEAD_SECONDS", 0.05)
    async with proxy() as port, asyncio.timeout(5):
        assert (await exchange(port, b"CONNECT receiver.test:443 HT")).startswith(b"HTTP/1.1 502 ")


async def test_who_goes_away_in_the_head_leaves_nothing() -> None:
    async with proxy() as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"CONNECT receiver")
        await writer.drain()
        writer.close()


async def test_a_tunnel_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect_proxy, "TUNNEL_SECONDS", 0.2)
    async with receiver(always(None)) as served, proxy() as port, asyncio.timeout(5):
        found = await exchange(port, connect(f"receiver.test:{served.port}"), GET)
    assert found == b"HTTP/1.1 200 Connection established\r\n\r\n", "and nothing is put into it"


async def test_a_tunnel_ends_with_its_client() -> None:
    async with receiver(always(None)) as served, proxy() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(connect(f"receiver.test:{served.port}"))
        await reader.readuntil(b"\r\n\r\n")
        writer.close()


async def test_an_answer_is_handed_on_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect_proxy, "ANSWER_BYTES", 100_000)
    async with receiver(always(answer(200, body=b"x" * 10_000_000))) as served, proxy() as port:
        found = await exchange(port, connect(f"receiver.test:{served.port}"), GET)
    assert 0 < len(found) <= 100_100


async def test_many_tunnels_at_once_leave_no_task() -> None:
    async with receiver(always(answer(200, body=b"hello"))) as served, proxy() as port:
        target = connect(f"receiver.test:{served.port}")
        found = await asyncio.gather(*(exchange(port, target, GET) for _ in range(50)))
    assert all(each.endswith(b"hello") for each in found)
