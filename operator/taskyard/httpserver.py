"""HTTP servers: uvicorn inside our event loop, bounded against clients that are slow or many."""

import asyncio
import contextlib
import errno
import fcntl
import socket
import ssl
import sys
import termios
from asyncio import sslproto
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import Server

# How long a client may take nothing of an answer.
WRITE_TIMEOUT = 30.0
WRITE_BUFFER = 32_768

_HEAD_BYTES = 16_384
_CLOSE_SECONDS = 1.0
_ACCEPT_RETRY = 0.1
_BACKLOG = 512
_TICK = 1.0
_NO_IPV6 = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}
# Each TLS connection has a buffer of this size. With asyncio's own 256 KiB, a hundred clients would be most of a
# process.
sslproto.SSLProtocol.max_size = 16_384


@dataclass(frozen=True)
class Admission:
    """At most `most` connections are open, and `most_each` of one group, TLS handshakes included.

    `group` names a connection's group by the addresses of the client and of our end; None: only `most` holds for it.
    """

    most: int
    most_each: int
    group: Callable[[str, str], str | None]


class Connection(H11Protocol):
    """HTTP/1.1 that closes a connection on which no whole request head arrives in time, or a body goes on that nobody
    waits for, or whose answer is not taken.

    uvicorn alone waits for the first head, or the rest of one, and for room to send, for as long as the client likes.
    """

    def __init__(self, *arguments: Any, patience: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.closed = asyncio.Event()
        self._patience = patience
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._close_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._socket = transport.get_extra_info("socket")
        # What a client that does not read costs; asyncio's own is half a MiB.
        transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        # It stops uvicorn's clock for connections that are idle, whatever it is.
        super().data_received(data)
        if self._is_answering():
            self._stop_waiting()
        elif self._head_timer is None:
            self._await_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        # To close it would be to wait until the rest is taken.
        self._write_timer = self.loop.call_later(WRITE_TIMEOUT, self._drop)

    def resume_writing(self) -> None:
        self._stop_write_timer()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._stop_write_timer()
        if self._close_timer is not None:
            self._close_timer.cancel()
        super().connection_lost(exc)
        self.closed.set()

    def shutdown(self) -> None:
        super().shutdown()
        if not self._is_answering():
            self._close_soon()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._close_soon()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self._patience, self._head_is_late)

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
            self._drop()

    def _close_soon(self) -> None:
        # Closing TLS waits half a minute for the client's consent, which one that is idle does not give.
        self._drop_once_taken(self.loop.time() + WRITE_TIMEOUT)

    def _drop_once_taken(self, latest: float) -> None:
        self._close_timer = self.loop.call_later(_CLOSE_SECONDS, self._drop_if_taken, latest)

    def _drop_if_taken(self, latest: float) -> None:
        # A client may still be taking an answer that uvicorn has done with.
        if self.loop.time() < latest and _unacknowledged(self._socket):
            self._drop_once_taken(latest)
        else:
            self._drop()

    def _drop(self) -> None:
        """Ends the connection at once. A transport of TLS that was closed twice has lost its hold of the connection, so
        its socket is ended as well.
        """
        self.transport.abort()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


class HttpServer(Server):
    """Serves one application until `stop`; to be run with `serve(sockets=[…])`, the one socket being of `bind`.

    uvicorn counts connections only when a request comes, and over all clients, so that one of them could take them
    all. The process's signals are not its business: with two servers in a process, the first would take them.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        admission: Admission,
        tls: ssl.SSLContext | None,
        patience: float,
        keep_alive: int,
        grace: int,
    ) -> None:
        """In seconds: a TLS handshake, and a request's head, have `patience`; a connection is closed when it is idle
        for `keep_alive`; what is being answered when the server is told to stop has `grace`."""
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
                timeout_keep_alive=keep_alive,
                timeout_graceful_shutdown=grace,
                h11_max_incomplete_event_size=_HEAD_BYTES,
                ssl_context_factory=None if tls is None else lambda _config, _default: tls,
            )
        )
        self._admission = admission
        self._patience = patience
        self._stop = asyncio.Event()
        self._open: dict[asyncio.Task[None], str | None] = {}
        self._accepting: asyncio.Task[None] | None = None

    @property
    def listening(self) -> bool:
        return self.started and not self.should_exit

    def stop(self) -> None:
        """Lets `serve` end."""
        self.should_exit = True
        self._stop.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leaves the signals alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts connections of the one socket."""
        assert sockets is not None
        await self.lifespan.startup()
        self.servers = []
        self._accepting = asyncio.create_task(self._accept(sockets[0]))
        self.started = True

    async def main_loop(self) -> None:
        """uvicorn looks ten times a second whether it should end; in every Pod that would be felt."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts no more, lets what is being answered end within the grace period, and closes the rest."""
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
                group = self._admission.group(peer[0], connection.getsockname()[0])
            except OSError:
                await asyncio.sleep(_ACCEPT_RETRY)  # no descriptors left, or the client has gone
                continue
            if self._has_room_for(group):
                task = asyncio.create_task(self._attend(connection))
                self._open[task] = group
                task.add_done_callback(self._open.pop)
            else:
                connection.close()
            # A flood of connections does not keep the loop from what is open already.
            await asyncio.sleep(0)

    def _has_room_for(self, group: str | None) -> bool:
        if len(self._open) >= self._admission.most:
            return False
        return group is None or list(self._open.values()).count(group) < self._admission.most_each

    async def _attend(self, connection: socket.socket) -> None:
        """From the handshake to the connection's end."""
        tls = self.config.ssl
        try:
            _, protocol = await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                connection,
                ssl=tls,
                ssl_handshake_timeout=self._patience if tls is not None else None,
            )
            await protocol.closed.wait()
        except OSError:
            pass  # no handshake
        finally:
            connection.close()

    def _protocol(self) -> Connection:
        return Connection(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            patience=self._patience,
        )


def _unacknowledged(connection: socket.socket) -> int:
    """Bytes that the client does not have yet; more may wait in the process whenever there are any."""
    if connection.fileno() < 0:
        return 0
    return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def bind(address: str, port: int) -> socket.socket:
    """A listening socket. No address, and `::`, mean all addresses of both families, or of IPv4 on a machine without
    IPv6. OSError when it cannot be had."""
    # It listens at once: another who is bound to the port as well could be first otherwise, unseen by us.
    listening = _listen(address, port)
    # asyncio does this for sockets that it made itself. A response goes out in two writes, and without it the second
    # waits for the client's delayed acknowledgment: 40 ms a request.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _listen(address: str, port: int) -> socket.socket:
    if address not in ("", "::"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return socket.create_server((address, port), family=family, backlog=_BACKLOG)
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG)
        except OSError as error:
            # A machine may know IPv6 and have it switched off.
            if error.errno not in _NO_IPV6:
                raise
    return socket.create_server(("", port), backlog=_BACKLOG)
