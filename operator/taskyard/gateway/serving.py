"""The listeners: sidecars and people over TLS, probes in plain HTTP; bounded against clients that are slow or many."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Generator
from typing import Any

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from taskyard.gateway import metrics

HEADER_TIMEOUT = 10.0
GRACE_SECONDS = 10
CLOSE_SECONDS = 1.0

_HEADER_BYTES = 16_384
_BACKLOG = 512


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection on which no whole request head arrives in time.

    uvicorn alone waits for the first head, or the rest of one, for as long as the client likes, and counts connections
    only when a request comes, and over all clients: one Pod could take them all.
    """

    # Each TLS connection has buffers of 256 KiB.
    most = 512
    most_each = 64

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > self.most or self._siblings() > self.most_each:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_answering():
            self._stop_waiting()
        elif self._head_timer is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        super().shutdown()
        if not self._is_answering():
            self._abort_soon()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._abort_soon()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _siblings(self) -> int:
        """Connections of the same client, this one included."""
        address = self.client and self.client[0]
        clients = (connection.client for connection in self.connections if isinstance(connection, BoundedProtocol))
        return sum(client is not None and client[0] == address for client in clients)

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEADER_TIMEOUT, self._head_is_late)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if not self._is_answering():
            self.transport.abort()

    def _abort_soon(self) -> None:
        # Closing TLS waits half a minute for the client's consent, which one that is idle does not give.
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)


class Listener(uvicorn.Server):
    """A server whose signals are the process's business, not its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone: with two servers in a process, the first would take them all."""
        yield


def listener(app: ASGIApp, *, tls: ssl.SSLContext | None, http: type[BoundedProtocol] = BoundedProtocol) -> Listener:
    """A server for `app`, to be run with `serve(sockets=[…])`."""
    return Listener(
        uvicorn.Config(
            app,
            http=http,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=_HEADER_BYTES,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        )
    )


def bind(address: str, port: int) -> socket.socket:
    """A listening socket; an empty address means all addresses of both families. OSError when it cannot be had."""
    listening = _listen(address, port)
    # asyncio does this for sockets that it made itself. A response goes out in two writes, and without it the second
    # waits for the client's delayed acknowledgment: 40 ms a request.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _listen(address: str, port: int) -> socket.socket:
    if address:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family, backlog=_BACKLOG)
    if socket.has_dualstack_ipv6():
        # A machine may know IPv6 and have it switched off.
        with contextlib.suppress(OSError):
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
    return socket.create_server(("", port), backlog=_BACKLOG)


def probes(is_ready: Callable[[], bool], render: Callable[[], bytes]) -> ASGIApp:
    """`GET /healthz` (the process answers), `GET /readyz` (it takes requests), `GET /metrics` (what `render` gives)."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path: Any = scope.get("path")
        if path == "/healthz":
            response = PlainTextResponse("ok\n")
        elif path == "/metrics":
            response = PlainTextResponse(render(), headers={"Content-Type": metrics.TYPE})
        elif path == "/readyz":
            response = PlainTextResponse("ok\n") if is_ready() else PlainTextResponse("not ready\n", status_code=503)
        else:
            response = PlainTextResponse("not found\n", status_code=404)
        await response(scope, receive, send)

    return app
