"""A connection that leaves HTTP: its end, and clients that do not wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from taskyard.httpconnection import UPGRADE, Upgraded
from unit.localserver import LONG, SECURED, running, tls_context, trusting

ASKING = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n"
PLAIN = b"GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Application:
    """Takes a connection over once `allowed`, and then does `use` with it."""

    def __init__(self, use: Callable[[Upgraded], None] = lambda connection: None) -> None:
        self._use = use
        self.asked, self.allowed = asyncio.Event(), asyncio.Event()
        self.taken: asyncio.Future[Upgraded] = asyncio.get_running_loop().create_future()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if UPGRADE not in scope.get("extensions", {}):
            await PlainTextResponse("hello")(scope, receive, send)
            return
        self.asked.set()
        await self.allowed.wait()
        connection: Upgraded = scope["extensions"][UPGRADE]["take_over"]()
        connection.write(b"taken over\n")
        self._use(connection)
        self.taken.set_result(connection)


@contextlib.asynccontextmanager
async def connected(port: int, *, secured: bool) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting() if secured else None)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


@SECURED
async def test_the_end_of_a_connection_does_not_wait_for_its_client(tmp_path: Path, secured: bool) -> None:
    """A client of TLS that reads nothing does not consent to the end."""
    application = Application(use=lambda connection: connection.close())
    application.allowed.set()
    tls = tls_context(tmp_path) if secured else None
    async with running(application, tls=tls) as port, asyncio.timeout(15):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connect = functools.partial(trusting().wrap_socket, connection) if secured else lambda: connection
            client = await asyncio.to_thread(connect)
            client.sendall(ASKING)
            began = time.monotonic()
            taken = await application.taken
            await taken.change()
            assert taken.has_ended
            assert time.monotonic() - began < 5
            client.close()


@SECURED
async def test_all_that_was_written_before_the_end_arrives(tmp_path: Path, secured: bool) -> None:
    def say_and_close(connection: Upgraded) -> None:
        connection.write(b"last words")
        connection.close()

    application = Application(use=say_and_close)
    application.allowed.set()
    async with (
        running(application, tls=tls_context(tmp_path) if secured else None) as port,
        asyncio.timeout(15),
        connected(port, secured=secured) as (reader, writer),
    ):
        writer.write(ASKING)
        assert await reader.read() == b"taken over\nlast words"


@SECURED
async def test_a_client_that_left_before_the_upgrade_has_ended(tmp_path: Path, secured: bool) -> None:
    application = Application()
    async with running(application, tls=tls_context(tmp_path) if secured else None) as port, asyncio.timeout(15):
        async with connected(port, secured=secured) as (_, writer):
            writer.write(ASKING)
            await application.asked.wait()
        await asyncio.sleep(0.2)
        application.allowed.set()
        taken = await application.taken
        assert taken.has_ended
        await taken.change()


@SECURED
@pytest.mark.parametrize(
    "early",
    [
        pytest.param(PLAIN, id="another request"),
        pytest.param(ASKING, id="another upgrade"),
        pytest.param(PLAIN[:9], id="a part of a request"),
        pytest.param(b"\x89\x80\x00\x00\x00\x00", id="no HTTP"),
    ],
)
async def test_a_client_that_does_not_wait_for_the_upgrade_loses_the_connection(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, secured: bool, early: bytes
) -> None:
    caplog.set_level(logging.ERROR)
    application = Application()
    async with (
        running(application, tls=tls_context(tmp_path) if secured else None) as port,
        asyncio.timeout(15),
        connected(port, secured=secured) as (reader, writer),
    ):
        writer.write(ASKING)
        await application.asked.wait()
        writer.write(early)
        await asyncio.sleep(0.2)
        application.allowed.set()
        taken = await application.taken
        assert taken.has_ended
        with contextlib.suppress(ConnectionError):
            assert b"taken over" not in await reader.read()
    assert caplog.records == []


async def test_an_upgrade_may_follow_another_request() -> None:
    application = Application()
    application.allowed.set()
    async with (
        running(application, keep_alive=LONG) as port,
        asyncio.timeout(15),
        connected(port, secured=False) as (reader, writer),
    ):
        writer.write(PLAIN)
        await reader.readuntil(b"hello")
        writer.write(ASKING)
        assert await reader.readline() == b"taken over\n"
        assert not (await application.taken).has_ended
