"""The sidecar's HTTP servers: one application on one port each, with connections that the Pod itself cannot take."""

import asyncio
import ipaddress
import logging
import socket
import ssl

from starlette.types import ASGIApp

from taskyard.httpserver import Admission, HttpServer
from taskyard.listening import bind

logger = logging.getLogger(__name__)

PATIENCE = 5.0
KEEP_ALIVE = 30
GRACE = 1
TAKEN_RETRY = 1.0


class Listener:
    """Serves one application on one port until it is stopped.

    Of the `connections` that may be open, `reserved` are kept for callers outside the Pod, so that the agent cannot
    take them all.
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
        bound: socket.socket | None = None,
    ) -> None:
        """`bound` is the listening socket where the port was taken already."""
        self._address = address
        self._port = port
        self._bound = bound
        self._server = HttpServer(
            app,
            admission=Admission(most=connections, most_each=connections - reserved, group=pod_or_none),
            tls=tls,
            patience=PATIENCE,
            keep_alive=KEEP_ALIVE,
            grace=GRACE,
        )

    @property
    def listening(self) -> bool:
        return self._server.listening

    async def run_until_stopped(self) -> None:
        """Retries while the port is taken: during a restart of the sidecar the agent, which shares the Pod's addresses,
        may hold it.
        """
        while self._bound is None:
            try:
                self._bound = bind(self._address, self._port)
            except OSError as error:
                logger.error("port %d: %s", self._port, error.strerror)
                await asyncio.sleep(TAKEN_RETRY)
        with self._bound:
            await self._server.serve(sockets=[self._bound])

    def stop(self) -> None:
        self._server.stop()


def pod_or_none(peer: str, own: str) -> str | None:
    """The group of connections that come from the Pod itself; None for all others."""
    if peer == own or ipaddress.ip_address(peer.removeprefix("::ffff:").partition("%")[0]).is_loopback:
        return "pod"
    return None
