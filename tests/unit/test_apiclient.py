"""How requests reach an API server, and what they tell it; against servers on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration
from multidict import CIMultiDict

from taskyard.apiclient import ApiError, Connection, TooLargeError, connect, routing

PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
Environment = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: Environment) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


class Heard:
    """A server that answers each request with `{}` and remembers it: an API server, or a proxy, which hears the whole
    address."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.port = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.raw_path}")
        self.headers.append(dict(request.headers))
        if request.method == "CONNECT":
            return web.Response(status=403)
        return web.json_response({})


Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[int]:
    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def hearing() -> AsyncIterator[Heard]:
    heard = Heard()
    async with serving(heard.answer) as heard.port:
        yield heard


@pytest.fixture
async def proxy() -> AsyncIterator[Heard]:
    async with hearing() as heard:
        yield heard


@pytest.fixture
async def server() -> AsyncIterator[Heard]:
    async with hearing() as heard:
        yield heard


def kubeconfig(folder: Path, server: str, **fields: Any) -> str:
    """The path of a kubeconfig; `fields` are further fields of its cluster, `user` those of its user."""
    path, user = folder / "kubeconfig", fields.pop("user", {})
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, **fields}}],
        "users": [{"name": "somebody", "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "somebody"}}],
        "current-context": "test",
    }
    path.write_text(json.dumps(config))
    return str(path)


@contextlib.asynccontextmanager
async def connected(folder: Path, server: str, **fields: Any) -> AsyncIterator[Connection]:
    connection = await connect(user_agent="test", kubeconfig=kubeconfig(folder, server, **fields))
    try:
        yield connection
    finally:
        await connection.close()


# Warnings


@pytest.mark.parametrize("status", [201, 422])
async def test_warnings_are_told_whatever_the_answer_is(tmp_path: Path, status: int) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        headers = CIMultiDict([("Warning", '299 - "a \\"b\\""'), ("Warning", '299 - "c"')])
        return web.json_response({}, status=status, headers=headers)

    told: list[str] = []
    async with serving(answer) as port, connected(tmp_path, f"http://127.0.0.1:{port}") as connection:
        with contextlib.suppress(ApiError):
            await connection.call("POST", "/x", body={}, warned=told.append)
    assert told == ['a "b"', "c"]


# Proxies


async def test_a_proxy_of_the_environment_is_asked_and_read_once(
    tmp_path: Path, monkeypatch: Environment, proxy: Heard
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.address)
    async with connected(tmp_path, "http://api.test:6443") as connection:
        monkeypatch.delenv("HTTP_PROXY")
        assert await connection.call("GET", "/version") == {}
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        await connection.call("GET", "/version")
    assert proxy.requests == ["GET http://api.test:6443/version"] * 2


async def test_a_tls_connection_goes_through_the_proxy_for_https(
    tmp_path: Path, monkeypatch: Environment, proxy: Heard
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.address)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with connected(tmp_path, "https://api.test:6443") as connection:
        with pytest.raises(ApiError, match="cannot be reached"):
            await connection.call("GET", "/version")
    assert proxy.requests == ["CONNECT api.test:6443"]


@pytest.mark.parametrize("exempt", ["127.0.0.1", "*", "example.org,127.0.0.1"])
async def test_an_exempt_server_is_asked_without_a_proxy(
    exempt: str, tmp_path: Path, monkeypatch: Environment, proxy: Heard, server: Heard
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.address)
    monkeypatch.setenv("NO_PROXY", exempt)
    async with connected(tmp_path, server.address) as connection:
        await connection.call("GET", "/version")
    assert (proxy.requests, server.requests) == ([], ["GET /version"])


async def test_the_proxy_of_the_kubeconfig_wins(tmp_path: Path, monkeypatch: Environment, proxy: Heard) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "api.test")
    async with connected(tmp_path, "http://api.test:6443", **{"proxy-url": proxy.address}) as connection:
        await connection.call("GET", "/version")
    assert proxy.requests == ["GET http://api.test:6443/version"]


@pytest.mark.parametrize(
    ("environment", "address", "expected"),
    [
        pytest.param({}, "https://api.test", None, id="none"),
        pytest.param({"HTTPS_PROXY": "http://p:1"}, "https://api.test", "http://p:1", id="of its scheme"),
        pytest.param({"https_proxy": "http://p:1"}, "https://api.test", "http://p:1", id="in lower case"),
        pytest.param({"HTTP_PROXY": "http://p:1"}, "https://api.test", None, id="of another scheme"),
        pytest.param({"ALL_PROXY": "http://p:1"}, "https://api.test", "http://p:1", id="for all"),
        pytest.param(
            {"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://p:2"}, "https://api.test", "http://p:2", id="its own"
        ),
        pytest.param({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.test"}, "https://api.test:6443", None, id="exempt"),
        pytest.param(
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".test"}, "https://api.test:6443", None, id="by its domain"
        ),
        pytest.param(
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other.test"}, "https://api.test", "http://p:1", id="another is"
        ),
        pytest.param({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "::1"}, "https://[::1]:6443", None, id="IPv6"),
    ],
)
def test_which_proxy_the_environment_names(
    environment: dict[str, str], address: str, expected: str | None, monkeypatch: Environment
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert routing(Configuration(host=address)).get("proxy") == expected


# Credentials


async def test_a_netrc_file_is_not_read(tmp_path: Path, monkeypatch: Environment, server: Heard) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with connected(tmp_path, server.address) as connection:
        await connection.call("GET", "/version")
    assert "Authorization" not in server.headers[0]


async def test_a_bearer_replaces_the_own_credentials_for_one_call(tmp_path: Path, server: Heard) -> None:
    async with connected(tmp_path, server.address, user={"token": "own"}) as connection:
        await connection.call("GET", "/version")
        await connection.call("GET", "/version", bearer="theirs")
        await connection.read("/version", query={}, limit=1000)
    assert [headers["Authorization"] for headers in server.headers] == ["Bearer own", "Bearer theirs", "Bearer own"]
    assert {headers["User-Agent"] for headers in server.headers} == {"test"}


async def test_a_token_that_changes_is_read_again(server: Heard) -> None:
    configuration, tokens = Configuration(host=server.address), ["first", "second"]

    async def refresh(of: Configuration) -> None:
        of.api_key["BearerToken"] = f"Bearer {tokens.pop(0)}"

    configuration.refresh_api_key_hook = refresh
    connection = Connection(configuration, user_agent="test")
    for _ in range(2):
        await connection.call("GET", "/version")
    await connection.close()
    assert [headers["Authorization"] for headers in server.headers] == ["Bearer first", "Bearer second"]


async def test_without_credentials_only_the_callers_are_sent(tmp_path: Path, server: Heard) -> None:
    path = kubeconfig(tmp_path, server.address, user={"token": "own"})
    connection = await connect(user_agent="test", kubeconfig=path, anonymous=True)
    await connection.call("GET", "/version")
    await connection.call("GET", "/version", bearer="theirs")
    await connection.close()
    assert [headers.get("Authorization") for headers in server.headers] == [None, "Bearer theirs"]


async def test_a_request_has_the_name_in_the_servers_audit_log_that_it_is_given(tmp_path: Path, server: Heard) -> None:
    async with connected(tmp_path, server.address) as connection:
        await connection.call("GET", "/version", audit_id="build-4711")
        await connection.call("GET", "/version")
    assert [headers.get("Audit-ID") for headers in server.headers] == ["build-4711", None]


# Bodies


class Sending:
    """A server that sends zeros, a chunk at a time, until it is told to stop or cannot go on. `declared` is the length
    that it tells beforehand."""

    def __init__(self, size: int, *, declared: bool) -> None:
        self.size, self.declared = size, declared
        self.ended = asyncio.Event()
        self.sent = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        if self.declared:
            response.content_length = self.size
        try:
            await response.prepare(request)
            while self.sent < self.size:
                await response.write(bytes(min(100_000, self.size - self.sent)))
                self.sent += 100_000
        finally:
            self.ended.set()
        return response


@pytest.mark.parametrize("declared", [pytest.param(True, id="its length is told"), pytest.param(False, id="in chunks")])
async def test_a_body_beyond_the_limit_is_given_up(declared: bool, tmp_path: Path) -> None:
    sending = Sending(1 << 30, declared=declared)
    async with (
        serving(sending.answer) as port,
        connected(tmp_path, f"http://127.0.0.1:{port}") as connection,
        asyncio.timeout(20),
    ):
        with pytest.raises(TooLargeError, match="more than 200,000 bytes") as error:
            await connection.read("/api/v1/pods", query={"limit": "50"}, limit=200_000)
        assert error.value.status == 200
        await sending.ended.wait()
    assert sending.sent < 100 << 20, "the connection was closed: the rest is not on its way"


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_within_the_limit_is_read_whole(declared: bool, tmp_path: Path) -> None:
    sending = Sending(200_000, declared=declared)
    async with serving(sending.answer) as port, connected(tmp_path, f"http://127.0.0.1:{port}") as connection:
        assert await connection.read("/api/v1/pods", query={}, limit=200_000) == bytes(200_000)


async def test_a_body_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    async def break_off(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 1000
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(break_off) as port, connected(tmp_path, f"http://127.0.0.1:{port}") as connection:
        for ask in (connection.read("/x", query={}, limit=10_000), connection.call("GET", "/x")):
            with pytest.raises(ApiError, match="GET /x: the answer broke off") as error:
                await ask
            assert not isinstance(error.value, TooLargeError)


async def test_an_answer_that_is_no_json_is_an_error(tmp_path: Path) -> None:
    async def chat(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="<html>")

    async with serving(chat) as port, connected(tmp_path, f"http://127.0.0.1:{port}") as connection:
        with pytest.raises(ApiError, match="cannot be read"):
            await connection.call("GET", "/x")


async def test_a_query_is_quoted(tmp_path: Path, server: Heard) -> None:
    query = {"labelSelector": "a=b,c in (d,e)", "continue": "x+/=&%41"}
    async with connected(tmp_path, server.address) as connection:
        await connection.read("/api/v1/pods", query=query, limit=1000)
    (request,) = server.requests
    assert dict(parse_qsl(urlsplit(request).query, strict_parsing=True)) == query


# Watches


async def lines_of(connection: Connection) -> list[bytes]:
    return [line async for line in connection.stream("/api/v1/pods", query={"watch": "true"}, idle_timeout=10)]


def sending(*parts: bytes) -> Answer:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response

    return answer


async def test_a_line_of_a_watch_may_be_the_largest_object_in_its_longest_form(tmp_path: Path) -> None:
    """etcd takes 1.5 MiB, and each `<` of a Pod has six bytes in JSON: one such Pod would break the watch of all Pods
    each time that it changes."""
    large = b'{"a":"' + b"\\u003c" * (3 << 19) + b'"}'
    parts = [b"{}\n", large[:5_000_000], large[5_000_000:] + b"\n{}\n", b'{"b"', b":1}\n\n{}\n", b'{"last":1}']
    async with serving(sending(*parts)) as port, connected(tmp_path, f"http://127.0.0.1:{port}") as connection:
        found = await lines_of(connection)
    assert found == [b"{}", large, b"{}", b'{"b":1}', b"{}", b'{"last":1}']


async def test_a_line_without_an_end_is_an_error(tmp_path: Path) -> None:
    endless = sending(*(b"x" * 1_000_000 for _ in range(40)))
    async with serving(endless) as port, connected(tmp_path, f"http://127.0.0.1:{port}") as connection:
        with pytest.raises(ApiError, match=r"the watch sent a line of more than 16,777,216 bytes"):
            await lines_of(connection)
