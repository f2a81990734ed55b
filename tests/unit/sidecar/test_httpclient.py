"""The client against servers that answer byte by byte what a test says."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from taskyard.sidecar.httpclient import AnswerTimeoutError, ConnectError, HttpClient, RequestError
from unit.localserver import tls_context, trusting

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
NOTHING = b""


class Server:
    """Answers the requests of all its connections with `answers`, one after the other. After an answer that ends with
    CLOSE it closes the connection; NOTHING is no answer."""

    CLOSE = b"[close]"

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self.requests: list[bytes] = []
        self.connections = 0
        self.asked, self.left = asyncio.Event(), asyncio.Event()
        self.open = self.most_open = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.open, self.most_open)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                self.asked.set()
                answer = self._answers.pop(0)
                writer.write(answer.removesuffix(self.CLOSE))
                if answer.endswith(self.CLOSE):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            self.left.set()
            writer.close()

    def client(
        self, path: str = "", *, tls: ssl.SSLContext | None = None, seconds: float = 5, keep_alive: float = 3
    ) -> HttpClient:
        scheme = "https" if tls else "http"
        return HttpClient(
            f"{scheme}://localhost:{self.port}{path}",
            tls=tls,
            headers={"User-Agent": "sidecar/1"},
            connect_seconds=5,
            seconds=seconds,
            keep_alive=keep_alive,
            most_bytes=1000,
        )


@contextlib.asynccontextmanager
async def serving(*answers: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(*answers)
    listening = await asyncio.start_server(server.serve, "localhost", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    # The other address of localhost has another port.
    for one in listening.sockets[1:]:
        one.close()
    try:
        yield server
    finally:
        listening.close()


async def test_a_request_has_what_http_asks_for() -> None:
    async with serving(OK, OK) as server:
        client = server.client("/base/")
        assert (
            await client.request("PATCH", "/x?y=z", json={"ä": 1}, headers={"Authorization": "Bearer t"})
        ).json() == {}
        await client.request("POST", "/snapshot", content=b"body", headers={"Content-Type": "text/plain"})
        await client.close()
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == '{"ä":1}'.encode()
    assert head.decode().split("\r\n") == [
        "PATCH /base/x?y=z HTTP/1.1",
        f"Host: localhost:{server.port}",
        "Accept: */*",
        "User-Agent: sidecar/1",
        "Content-Type: application/json",
        "Authorization: Bearer t",
        "Content-Length: 8",
    ]
    assert server.requests[1].startswith(b"POST /base/snapshot HTTP/1.1\r\n")
    assert b"\r\nContent-Type: text/plain\r\n" in server.requests[1]
    assert server.connections == 1


CHUNKED = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "status", "reason", "body"),
    [
        pytest.param(OK, 200, "OK", b"{}", id="a length"),
        pytest.param(CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\nX: trailer\r\n\r\n", 404, "Not Found", b"abc", id="chunks"),
        pytest.param(b"HTTP/1.1 503 \r\n\r\nrest" + Server.CLOSE, 503, "", b"rest", id="the end of the connection"),
        pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", 204, "No Content", b"", id="no content"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, "OK", b"{}", id="another answer before it"),
        pytest.param(OK + b"HTTP/1.1 500 Later\r\n\r\n", 200, "OK", b"{}", id="another answer after it"),
        pytest.param(OK + b"junk", 200, "OK", b"{}", id="something else after it"),
    ],
)
async def test_an_answer_has_an_end(answer: bytes, status: int, reason: str, body: bytes) -> None:
    async with serving(answer, OK) as server:
        client = server.client()
        found = await client.request("GET", "/")
        assert (found.status, found.reason, found.body) == (status, reason, body)
        assert "x" not in found.headers
        # The next answer is that of the next request, whatever came before.
        assert (await client.request("GET", "/")).body == b"{}"
        await client.close()


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        pytest.param(Server.CLOSE, "closed the connection", id="no answer"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent" + Server.CLOSE, "closed the connection", id="half a head"),
        pytest.param(OK[:-1] + Server.CLOSE, "closed the connection", id="half a body"),
        pytest.param(CHUNKED + b"5\r\nab" + Server.CLOSE, "closed the connection", id="half a chunk"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", "not HTTP", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001, "1000 bytes", id="a large body"),
        pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000, "head has more than", id="a large head"),
    ],
)
async def test_no_whole_answer_is_an_error_and_the_end_of_the_connection(answer: bytes, cause: str) -> None:
    async with serving(answer, OK) as server:
        client = server.client()
        with pytest.raises(RequestError, match=cause):
            await client.request("GET", "/")
        assert (await client.request("GET", "/")).status == 200
        assert server.connections == 2
        await client.close()


async def test_a_server_that_does_not_answer_is_given_up() -> None:
    async with serving(NOTHING, CHUNKED + b"2\r\nab\r\n", OK) as server:
        client = server.client(seconds=0.1)
        for _ in range(2):
            with pytest.raises(AnswerTimeoutError, match=r"within 0\.1 s"):
                await client.request("GET", "/")
        assert (await client.request("GET", "/", seconds=5)).status == 200
        await client.close()


@pytest.mark.parametrize(
    ("keep_alive", "first", "connections"),
    [
        pytest.param(3, OK, 1, id="it is open"),
        pytest.param(0.05, OK, 2, id="its time is over"),
        pytest.param(0, OK, 2, id="it may not be used again"),
        pytest.param(3, OK + Server.CLOSE, 2, id="the server has closed it"),
        pytest.param(3, OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n"), 2, id="the server is going to close it"),
    ],
)
async def test_a_connection_is_used_again_if_the_server_keeps_it(
    keep_alive: float, first: bytes, connections: int
) -> None:
    async with serving(first, OK) as server:
        client = server.client(keep_alive=keep_alive)
        await client.request("GET", "/")
        await asyncio.sleep(0.1)
        assert (await client.request("GET", "/")).status == 200
        assert server.connections == connections
        await client.close()


async def test_requests_at_the_same_time_have_connections_of_their_own_of_which_one_stays() -> None:
    async with serving(*[OK] * 20) as server:
        client = server.client()
        found = await asyncio.gather(*(client.request("GET", f"/{number}") for number in range(10)))
        assert {one.status for one in found} == {200}
        assert 1 < server.most_open <= 5  # one of them may just be closing
        before = server.connections
        await client.request("GET", "/")
        assert server.connections == before
        await client.close()


async def test_a_request_that_is_cancelled_leaves_no_connection() -> None:
    async with serving(NOTHING) as server:
        client = server.client()
        asking = asyncio.create_task(client.request("GET", "/"))
        async with asyncio.timeout(5):
            await server.asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(5):
            await server.left.wait()


async def test_over_tls_only_a_server_that_is_trusted_gets_the_request(tmp_path: Path) -> None:
    context = tls_context(tmp_path)
    async with serving(OK, tls=context) as server:
        with pytest.raises(ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await server.client(tls=ssl.create_default_context()).request("GET", "/")
        assert server.requests == []
        assert (await server.client(tls=trusting()).request("GET", "/")).status == 200


async def test_without_a_server_the_request_was_not_seen() -> None:
    async with serving() as server:
        client = server.client()
    with pytest.raises(ConnectError, match="Connect call failed"):
        await client.request("GET", "/")
    await client.close()


@pytest.mark.parametrize("token", ["a\r\nX: y", "a\nb", "a\0b", "日本"])
async def test_no_header_can_become_two(token: str) -> None:
    async with serving(OK) as server:
        with pytest.raises(ConnectError, match="cannot be sent"):
            await server.client().request("GET", "/", headers={"Authorization": f"Bearer {token}"})
        assert server.connections == 0


@pytest.mark.parametrize("url", ["https://", "ftp://host", "https://host:99999", "host"])
def test_a_url_names_a_server(url: str) -> None:
    with pytest.raises(ValueError):
        HttpClient(url, connect_seconds=1, seconds=1, most_bytes=1)
