"""HTTP servers: uvicorn inside our event loop, protected against slow clients and against too many."""

import asyncio
import contextlib
import logging
import socket
import ssl
from asyncio import sslproto
from collections.abc import Callable, Generator
from dataclasses import dataclass

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import Server

from taskyard.httpconnection import Connection

_ACCEPT_RETRY = 0.1
_TICK = 1.0
# Each TLS connection has a buffer of this size. With asyncio's default of 256 KiB, a hundred clients would take most of
# a process's memory.
sslproto.SSLProtocol.max_size = 16_384


def _is_fault(record: logging.LogRecord) -> bool:
    """A log filter: a request that is cancelled as the process ends is none, though uvicorn logs it with its trace."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


logging.getLogger("uvicorn.error").addFilter(_is_fault)


@dataclass(frozen=True)
class Admission:
    """At most `most` connections are open, and `most_each` of one group, TLS handshakes included.

    `group` names a connection's group by the addresses of the client and of our end; None: only `most` applies.
    """

    most: int
    most_each: int
    group: Callable[[str, str], str | None]


class HttpServer(Server):
    """Serves one application until `stop`; run it with `serve(sockets=[…])` and one socket, made by `listening.bind`.

    uvicorn counts connections only when a request arrives, and over all clients, so that one of them could take them
    all. The process's signals are left alone: with two servers in a process, the first would take them.
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
        """Limits in seconds: `patience` for a TLS handshake and for a request's head, `keep_alive` for an idle
        connection, `grace` for the requests in progress when the server is stopped."""
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
        """Ticks once a second. uvicorn checks ten times a second whether to end, which would be felt in every Pod."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stops accepting, lets requests in progress finish within the grace period, and closes what is left."""
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
            # A flood of connections must not keep the loop from the ones that are already open.
            await asyncio.sleep(0)

    def _has_room_for(self, group: str | None) -> bool:
        if len(self._open) >= self._admission.most:
            return False
        return group is None or list(self._open.values()).count(group) < self._admission.most_each

    async def _attend(self, connection: socket.socket) -> None:
        """Handles a connection from its handshake to its end."""
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
            pass  # the handshake failed
        finally:
            connection.close()

    def _protocol(self) -> Connection:
        return Connection(
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            patience=self._patience,
        )
