"""A client that does not read what it asked for, at a listener of the gateway."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from taskyard.core.certificates import issue_serving_certificate, new_authority
from taskyard.gateway import serving
from taskyard.gateway.serving import bind, listener

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def tls_context(folder: Path) -> ssl.SSLContext:
    now = datetime.now(UTC)
    issued = issue_serving_certificate(new_authority(now), dns_names=["localhost"], now=now, lifetime=timedelta(days=1))
    (folder / "tls.pem").write_text(issued.certificate_pem + issued.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    return context


@pytest.mark.parametrize("secured", [pytest.param(False, id="plain"), pytest.param(True, id="TLS")])
async def test_it_is_cut_off_and_nothing_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path, secured: bool
) -> None:
    monkeypatch.setattr(serving, "WRITE_TIMEOUT", 0.3)
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

    server = listener(app, tls=tls_context(tmp_path) if secured else None)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with bind("127.0.0.1", 0) as listening, socket.socket() as connection:
        serving_it = asyncio.create_task(server.serve(sockets=[listening]))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(10)
        await asyncio.to_thread(connection.connect, listening.getsockname())
        client = await asyncio.to_thread(trusting.wrap_socket, connection) if secured else connection
        client.sendall(REQUEST)
        async with asyncio.timeout(15):
            await begun.wait()
            await ended.wait()
            server.should_exit = True
            # It waits for what is being answered, of which there is nothing any more.
            await serving_it
        client.close()
    assert caplog.records == []
