"""The listeners: sidecars and people over TLS, probes in plain HTTP; bounded against clients that are slow or many."""

import asyncio
import contextlib
import socket
import ssl
from asyncio import sslproto
from collections import Counter
from collections.abc import Callable, Generator
from typing import Any

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from taskyard.gateway import metrics

HEADER_TIMEOUT = 10.0
HANDSHAKE_TIMEOUT = 10.0
# How long a client may take nothing of an answer.
WRITE_TIMEOUT = 30.0
GRACE_SECONDS = 10
CLOSE_SECONDS = 1.0
MOST, MOST_EACH = 512, 64
WRITE_BUFFER = 32_768

_HEADER_BYTES = 16_384
_BACKLOG = 512
_ACCEPT_RETRY = 0.1
# Each TLS connection has a buffer of this size. With asyncio's own 256 KiB, a few hundred clients would be most of this
# process.
sslproto.SSLProtocol.max_size = 16_384


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 that closes a connection on which no whole request head arrives in time, or whose answer is not taken.

    uvicorn alone waits for the first head, or the rest of one, and for room to send, for as long as the client likes.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # What a client that does not read costs; asyncio's own is half a MiB.
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_answering():
            self._stop_waiting()
        elif self._head_timer is None:
            self._await_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        # To close it would be to wait until the rest is taken.
        self._write_timer = self.loop.call_later(WRITE_TIMEOUT, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_write_timer()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_write_timer()
        super().connection_lost(exc)
        self.closed.set()

    def shutdown(self) -> None:
        super().shutdown()
        if not self._is_answering():
            self._abort_soon()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._abort_soon()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEADER_TIMEOUT, self._head_is_late)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if not self._is_answering():
            self.transport.abort()

    def _abort_soon(self) -> None:
        # Closing TLS waits half a minute for the client's consent, which one that is idle does not give.
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)


class Listener(uvicorn.Server):
    """A server whose signals are the process's business, not its own.

    At most `most` connections are open, `most_each` of one address, TLS handshakes included: uvicorn counts
    connections only when a request comes, and over all clients, so that one Pod could take them all.
    """

    def __init__(self, config: uvicorn.Config, *, most: int, most_each: int) -> None:
        super().__init__(config)
        self._most = most
        self._most_each = most_each
        self._each: Counter[str] = Counter()
        self._open: dict[asyncio.Task[None], str] = {}
        self._accepting: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone: with two servers in a process, the first would take them all."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections of the one socket."""
        assert sockets is not None
        await self.lifespan.startup()
        self.servers = []
        self._accepting = asyncio.create_task(self._accept(sockets[0]))
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more, let what is being answered end within the grace period, and close the rest."""
        if self._accepting is not None:
            self._accepting.cancel()
        await super().shutdown(sockets)
        for task in self._open:
            task.cancel()

    async def _accept(self, listening: socket.socket) -> None:
        listening.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(_ACCEPT_RETRY)  # no descriptors left, or the client has gone
                continue
            if len(self._open) < self._most and self._each[peer[0]] < self._most_each:
                task = asyncio.create_task(self._attend(connection))
                self._open[task] = peer[0]
                self._each[peer[0]] += 1
                task.add_done_callback(self._ended)
            else:
                connection.close()
            # A flood of connections does not keep the loop from what is open already.
            await asyncio.sleep(0)

    async def _attend(self, connection: socket.socket) -> None:
        """From the handshake to the connection's end."""
        tls = self.config.ssl
        try:
            _, protocol = await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                connection,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT if tls is not None else None,
            )
            await protocol.closed.wait()
        except OSError:
            pass  # no handshake
        finally:
            connection.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        address = self._open.pop(task)
        self._each[address] -= 1
        if not self._each[address]:
            del self._each[address]

    def _protocol(self) -> BoundedProtocol:
        return BoundedProtocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def listener(
    app: ASGIApp,
    *,
    tls: ssl.SSLContext | None,
    most: int = MOST,
    most_each: int = MOST_EACH,
    grace_seconds: int = GRACE_SECONDS,
) -> Listener:
    """A server for `app`, to be run with `serve(sockets=[…])`; when told to end, what it is answering has
    `grace_seconds`."""
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        timeout_graceful_shutdown=grace_seconds,
        ssl_context_factory=None if tls is None else lambda _config, _default: tls,
    )
    return Listener(config, most=most, most_each=most_each)


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
