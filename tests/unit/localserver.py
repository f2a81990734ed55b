"""A server on a port of this machine, and what its clients need."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from taskyard.core.security.certificates import issue_serving_certificate, new_authority
from taskyard.httpserver import Admission, HttpServer
from taskyard.listening import bind

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
ANYONE = Admission(most=16, most_each=16, group=lambda peer, own: peer)
LONG = 60
SECURED = pytest.mark.parametrize("secured", [pytest.param(False, id="plain"), pytest.param(True, id="TLS")])


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("hello")(scope, receive, send)


def tls_context(folder: Path) -> ssl.SSLContext:
    now = datetime.now(UTC)
    issued = issue_serving_certificate(new_authority(now), dns_names=["localhost"], now=now, lifetime=timedelta(days=1))
    (folder / "tls.pem").write_text(issued.certificate_pem + issued.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    return context


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@contextlib.asynccontextmanager
async def running(
    app: ASGIApp = hello,
    *,
    admission: Admission = ANYONE,
    tls: ssl.SSLContext | None = None,
    patience: float = LONG,
    keep_alive: int = LONG,
) -> AsyncIterator[int]:
    """The port of a server, which ends with the block: soon, whatever its clients do."""
    server = HttpServer(app, admission=admission, tls=tls, patience=patience, keep_alive=keep_alive, grace=LONG)
    with bind("127.0.0.1", 0) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield int(listening.getsockname()[1])
        server.stop()
        async with asyncio.timeout(15):
            await serving
        assert not server.listening
