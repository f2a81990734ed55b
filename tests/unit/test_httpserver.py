"""Clients of a server that are slow or many."""

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from taskyard import httpconnection
from taskyard.httpserver import Admission
from taskyard.listening import bind
from unit.localserver import REQUEST, SECURED, hello, running, tls_context, trusting


async def closed_at_once(port: int, *, source: str) -> bool:
    """Whether a connection is refused, rather than answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
    with contextlib.closing(writer), contextlib.suppress(ConnectionError):
        writer.write(REQUEST)
        return not await reader.read(1)
    return True


@SECURED
async def test_a_client_that_does_not_read_is_cut_off_and_nothing_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path, secured: bool
) -> None:
    monkeypatch.setattr(httpconnection, "WRITE_TIMEOUT", 0.3)
    caplog.set_level(logging.ERROR)
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            begun.set()
            yield b"x" * 65_536
            await asyncio.sleep(0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(endless())(scope, receive, send)
        ended.set()

    with socket.socket() as connection:
        # When it ends it waits for what is being answered, of which there is nothing any more.
        async with running(app, tls=tls_context(tmp_path) if secured else None) as port:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(10)
            await asyncio.to_thread(connection.connect, ("127.0.0.1", port))
            client = await asyncio.to_thread(trusting().wrap_socket, connection) if secured else connection
            client.sendall(REQUEST)
            async with asyncio.timeout(15):
                await begun.wait()
                await ended.wait()
        client.close()
    assert caplog.records == []


@SECURED
@pytest.mark.parametrize(
    "sent",
    [pytest.param(b"", id="nothing"), pytest.param(REQUEST[:9], id="half a head"), pytest.param(REQUEST, id="all")],
)
async def test_a_client_that_sends_no_request_in_time_is_dropped(tmp_path: Path, secured: bool, sent: bytes) -> None:
    tls = tls_context(tmp_path) if secured else None
    # The one that sends a request is idle after it.
    async with running(tls=tls, patience=1.0, keep_alive=1) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting() if secured else None)
        writer.write(sent)
        received = b""
        with contextlib.suppress(ConnectionError):
            received = await reader.read()
        assert (b"hello" in received) is (sent == REQUEST)
        writer.close()


@SECURED
async def test_a_client_that_takes_its_answer_slowly_gets_all_of_it(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, secured: bool
) -> None:
    size = 600_000

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("x" * size)(scope, receive, send)

    def take(port: int) -> int:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            connection.settimeout(10)
            connection.connect(("127.0.0.1", port))
            client = trusting().wrap_socket(connection) if secured else connection
            client.sendall(REQUEST)
            taken = 0
            with contextlib.suppress(ConnectionError, ssl.SSLEOFError), client:
                while piece := client.recv(20_000):
                    taken += len(piece)
                    time.sleep(len(piece) / 150_000)
            return taken

    # Which takes far longer than a client may be idle.
    async with running(app, tls=tls_context(tmp_path) if secured else None, keep_alive=1) as port:
        assert await asyncio.to_thread(take, port) > size
    assert caplog.records == []


@SECURED
async def test_a_head_without_an_end_is_refused(tmp_path: Path, secured: bool) -> None:
    async with running(tls=tls_context(tmp_path) if secured else None) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting() if secured else None)
        received = b""
        with contextlib.suppress(ConnectionError):
            writer.write(REQUEST[:-2] + b"X-Long: ")
            for _ in range(100):
                writer.write(b"x" * 1024)
                await writer.drain()
                await asyncio.sleep(0.01)
        with contextlib.suppress(ConnectionError):
            received = await reader.read()
        assert received == b"" or received.startswith(b"HTTP/1.1 400 ")
        writer.close()


async def test_a_head_of_usual_size_is_taken_in_however_many_pieces() -> None:
    head = REQUEST[:-2] + b"".join(b"X-%d: %s\r\n" % (number, b"x" * 500) for number in range(20)) + b"\r\n"
    async with running() as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for start in range(0, len(head), 512):
            writer.write(head[start : start + 512])
            await writer.drain()
            await asyncio.sleep(0.002)
        assert b"hello" in await reader.readuntil(b"hello")
        writer.close()


async def test_what_follows_a_chunked_body_is_no_part_of_the_head() -> None:
    seen: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend(name for name, _ in scope["headers"])
        await hello(scope, receive, send)

    request = (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\nx\r\n0\r\nAuthorization: Bearer stolen\r\n\r\n"
    )
    async with running(app) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        await reader.readuntil(b"hello")
        writer.close()
    assert seen == [b"host", b"transfer-encoding"]


async def test_the_head_of_an_answer_does_not_wait_for_its_body() -> None:
    goes_on = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        await goes_on.wait()
        yield b"the body"

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(pieces())(scope, receive, send)

    async with running(app) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(REQUEST)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        goes_on.set()
        await reader.readuntil(b"the body")
        writer.close()


async def test_requests_that_come_together_are_answered_in_turn() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.1 if scope["path"] == "/1" else 0)
        await PlainTextResponse(scope["path"])(scope, receive, send)

    async with running(app) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head, get = b"HEAD /0 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        writer.write(head + get % 1 + get % 2 + last)
        answers = (await reader.read()).split(b"HTTP/1.1 200 OK\r\n")[1:]
        writer.close()
    assert [answer.partition(b"\r\n\r\n")[2] for answer in answers] == [b"", b"/1", b"/2", b"/3"]


@SECURED
async def test_an_answer_is_written_in_one_go(tmp_path: Path, secured: bool) -> None:
    async with running(tls=tls_context(tmp_path) if secured else None) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting() if secured else None)
        writer.write(REQUEST)
        # Whoever looks as soon as there is anything finds all of it.
        assert (await reader.read(65_536)).endswith(b"hello")
        writer.close()


async def test_a_client_without_a_handshake_is_dropped(tmp_path: Path) -> None:
    async with running(tls=tls_context(tmp_path), patience=0.2) as port, asyncio.timeout(15):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()


@pytest.mark.parametrize(
    "idle_seconds",
    [pytest.param(0.0, id="before it is closed as idle"), pytest.param(1.5, id="while it is closed as idle")],
)
async def test_an_idle_client_that_does_not_consent_to_the_end_does_not_hold_it_up(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, idle_seconds: float
) -> None:
    with socket.socket() as connection:
        async with running(tls=tls_context(tmp_path), keep_alive=1) as port:
            connection.settimeout(10)
            await asyncio.to_thread(connection.connect, ("127.0.0.1", port))
            client = await asyncio.to_thread(trusting().wrap_socket, connection)
            client.sendall(REQUEST)
            assert (await asyncio.to_thread(client.recv, 4096)).startswith(b"HTTP/1.1 200 ")
            await asyncio.sleep(idle_seconds)
        client.close()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("admission", "also_closed"),
    [
        pytest.param(Admission(most=8, most_each=2, group=lambda peer, own: peer), [], id="those of one address"),
        pytest.param(Admission(most=2, most_each=2, group=lambda peer, own: peer), ["127.0.0.2"], id="of all"),
        pytest.param(
            Admission(most=8, most_each=2, group=lambda peer, own: "pod" if peer == own else None),
            [],
            id="of a group, where others are in none",
        ),
        pytest.param(Admission(most=2, most_each=1, group=lambda peer, own: None), ["127.0.0.2"], id="of no group"),
    ],
)
async def test_what_is_more_than_the_most_connections_is_closed(admission: Admission, also_closed: list[str]) -> None:
    async with running(admission=admission) as port, asyncio.timeout(20):
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, writer in opened:
            writer.write(REQUEST)
            await reader.readuntil(b"hello")

        assert await closed_at_once(port, source="127.0.0.1")
        assert [source for source in ["127.0.0.2"] if await closed_at_once(port, source=source)] == also_closed

        for _, writer in opened:
            writer.close()
        # Until the server has noticed that the places are free.
        while await closed_at_once(port, source="127.0.0.1"):
            pass


@pytest.mark.parametrize(
    "address", [pytest.param("", id="none"), pytest.param("::", id="of both families"), pytest.param("127.0.0.1")]
)
def test_a_socket_takes_connections_of_its_address_and_answers_without_delay(address: str) -> None:
    with (
        bind(address, 0) as listening,
        socket.create_connection(("127.0.0.1", listening.getsockname()[1]), timeout=10),
        listening.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_that_is_taken_is_said_to_be() -> None:
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(OSError, match=rf"in use.*\b{port}\b"):
            bind("127.0.0.1", port)
