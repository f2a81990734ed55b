"""The HTTP servers: uvicorn inside our event loop, without its signal handlers and with limits on what a client may
hold.
"""

import asyncio
import contextlib
import errno
import ipaddress
import logging
import socket
import ssl
from asyncio import sslproto
from typing import Any

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import Server

log = logging.getLogger(__name__)

LONGEST_HEAD = 16_384
HEAD_TIMEOUT = 5.0
HANDSHAKE_TIMEOUT = 5.0
CLOSE_TIMEOUT = 2.0
BACKLOG = 128
KEEP_ALIVE = 30
TAKEN_RETRY = 1.0
TICK = 1.0
ACCEPT_RETRY = 0.1
# Each TLS connection has a buffer of this size. With asyncio's own 256 KiB, a hundred clients would be most of this
# process.
sslproto.SSLProtocol.max_size = 32_768
NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}


class Connection(H11Protocol):
    """Drops a client that does not finish a request's head, or goes on with a body that nobody waits for; uvicorn would
    wait for ever.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.closed = asyncio.Event()
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        # It stops uvicorn's clock for connections that are idle, whatever it is.
        super().data_received(data)
        if self._is_answering():
            self._stop_waiting()
        elif self._head_timer is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)
        self.closed.set()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self._head_overdue)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_overdue(self) -> None:
        self._head_timer = None
        if not self._is_answering():
            self.transport.abort()


class Listener(Server):
    """Serves one application on one port until it is told to stop.

    At most `connections` are open, TLS handshakes included, which uvicorn does not count; of these `reserved` are kept
    for others than the Pod itself, so that the agent cannot take them all.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        address: str,
        port: int,
        connections: int,
        reserved: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        options: dict[str, Any] = {} if tls is None else {"ssl_context_factory": lambda config, default: tls}
        super().__init__(
            Config(
                app,
                loop="asyncio",
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=1,
                h11_max_incomplete_event_size=LONGEST_HEAD,
                **options,
            )
        )
        self._address = address
        self._port = port
        self._stop = asyncio.Event()
        self._connections = connections
        self._from_pod = connections - reserved
        self._open: dict[asyncio.Task[None], bool] = {}
        self._accepting: asyncio.Task[None] | None = None

    @property
    def listening(self) -> bool:
        return self.started and not self.should_exit

    async def run_until_stopped(self) -> None:
        """A port that is taken is asked for again: in a restart the agent, which shares the Pod's addresses, may
        hold it.
        """
        while True:
            try:
                bound = _bind(self._address, self._port)
                break
            except OSError as error:
                log.error("port %d: %s", self._port, error.strerror)
                await asyncio.sleep(TAKEN_RETRY)
        with bound:
            await self._serve([bound])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        assert sockets is not None
        await self.lifespan.startup()
        self.servers = []
        self._accepting = asyncio.create_task(self._accept(sockets[0]))
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
        await super().shutdown(sockets)
        for task in self._open:
            task.cancel()

    async def _accept(self, bound: socket.socket) -> None:
        bound.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(bound)
                from_pod = _is_of_this_host(peer[0], connection.getsockname()[0])
            except OSError:
                await asyncio.sleep(ACCEPT_RETRY)  # no descriptors left, or the client has gone
                continue
            if len(self._open) >= self._connections or (from_pod and sum(self._open.values()) >= self._from_pod):
                connection.close()
                continue
            task = asyncio.create_task(self._attend(connection))
            self._open[task] = from_pod
            task.add_done_callback(self._open.pop)

    async def _attend(self, connection: socket.socket) -> None:
        """From the handshake to the connection's end."""
        tls = self.config.ssl
        try:
            _, protocol = await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                connection,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_TIMEOUT if tls is not None else None,
                ssl_shutdown_timeout=CLOSE_TIMEOUT if tls is not None else None,
            )
            await protocol.closed.wait()
        except OSError:
            pass  # no handshake
        finally:
            connection.close()

    def _protocol(self) -> Connection:
        return Connection(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def main_loop(self) -> None:
        """uvicorn looks ten times a second whether it should end; in every Pod that would be felt."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK):
                    await self._stop.wait()

    def stop(self) -> None:
        self.should_exit = True
        self._stop.set()


def _is_of_this_host(peer: str, own: str) -> bool:
    return peer == own or ipaddress.ip_address(peer.removeprefix("::ffff:").partition("%")[0]).is_loopback


def _bind(address: str, port: int) -> socket.socket:
    """A bound socket; `::` takes IPv4 as well, and is 0.0.0.0 on a machine without IPv6."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return _bound(family, address, port)
    except OSError as error:
        if address != "::" or error.errno not in NO_IPV6:
            raise
        return _bound(socket.AF_INET, "0.0.0.0", port)


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    # The protocol is named, since asyncio turns Nagle's algorithm off only for sockets that say that they are TCP; with
    # it every answer waits some 40 ms for the client's acknowledgement.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind((address, port))
        # At once: whoever else in the Pod is bound to the port as well could be first otherwise, unseen by us.
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound
