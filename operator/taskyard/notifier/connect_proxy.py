"""An HTTP proxy on loopback for Apprise, which opens its own sockets: it connects to public addresses alone."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging

from taskyard.core.public_address import parse
from taskyard.notifier.egress_proxy import EgressProxy
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.guarded_dns import GuardedDns
from taskyard.notifier.shared_threads import NAMESPACE

logger = logging.getLogger(__name__)

HEAD_BYTES = 8192
HEAD_SECONDS = 5.0
CONNECT_SECONDS = 5.0
# A message and its answer; whoever sends a byte now and then holds a thread of Apprise for no longer.
TUNNEL_SECONDS = 30.0
# Apprise reads an answer as a whole. Those of the services are a few kilobytes.
ANSWER_BYTES = 1 << 18
CHUNK = 1 << 14
MAX_PORT = 65_535


class ConnectProxy:
    """Serves CONNECT alone: what is sent without TLS is refused. The user name that is given to it is the namespace for
    which it connects. It connects by `egress` to what that leads to."""

    def __init__(self, dns: GuardedDns, egress: EgressProxy | None = None) -> None:
        self._dns = dns
        self._egress = egress
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Listen on loopback; returns the proxy's URL."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=HEAD_BYTES)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """Takes no more connections. Tunnels end by themselves."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            opened = await self._opened(reader, writer)
            if opened is not None:
                await _tunnel((reader, writer), opened)
        finally:
            writer.close()

    async def _opened(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The connection that was asked for; None, once the request was answered, where there is none."""
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            host, port = _target(head)
            NAMESPACE.set(_user(head))
            if self._egress is not None and self._egress.leads_to(host, port):
                await self._dns.check(host, port)
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await self._egress.connect(host, port)
            addresses = await self._dns.addresses(host, port)
            async with asyncio.timeout(CONNECT_SECONDS):
                return await _first(addresses, port)
        except DeliveryError as error:
            logger.info("%s", error.message)
            await _answer(writer, b"403 Forbidden")
        except asyncio.LimitOverrunError:
            await _answer(writer, b"431 Request Header Fields Too Large")
        except ValueError:
            await _answer(writer, b"405 Method Not Allowed")
        except asyncio.IncompleteReadError:
            pass  # whoever asked is gone
        except (OSError, TimeoutError):
            await _answer(writer, b"502 Bad Gateway")
        return None


async def _tunnel(
    ours: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    theirs: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Hand on what both sides send, until one of them has ended or the time is over."""
    (reader, writer), (their_reader, their_writer) = ours, theirs
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    copies = [
        asyncio.create_task(_copy(reader, their_writer)),
        asyncio.create_task(_copy(their_reader, writer, at_most=ANSWER_BYTES)),
    ]
    try:
        await asyncio.wait(copies, timeout=TUNNEL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for copy in copies:
            copy.cancel()
        their_writer.close()
        await asyncio.gather(*copies, return_exceptions=True)


def _target(head: bytes) -> tuple[str, int]:
    """Host and port of a CONNECT. Raises ValueError for any other request."""
    method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
    host, _, port = target.rpartition(":")
    if method != "CONNECT" or not host or not port.isdecimal() or not 0 < int(port) <= MAX_PORT:
        raise ValueError("only CONNECT is served")
    # In brackets there is an address, which may have colons; a name has none.
    if ("[" in host or ":" in host) and parse(host) is None:
        raise ValueError("the host is none")
    return host.strip("[]"), int(port)


def _user(head: bytes) -> str:
    """The user name of the header Proxy-Authorization; empty without one. Raises ValueError."""
    for line in head.decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.strip().lower() == "proxy-authorization":
            scheme, _, given = value.strip().partition(" ")
            if scheme.lower() == "basic":
                return base64.b64decode(given.strip(), validate=True).decode().partition(":")[0]
    return ""


async def _first(addresses: list[str], port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the first address that takes one. Raises OSError."""
    last: OSError | None = None
    for address in addresses:
        try:
            return await asyncio.open_connection(address, port)
        except OSError as error:
            last = error
    raise last or OSError("there is no address")


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, at_most: int | None = None) -> None:
    """Until the end of what is read, or until that is more than `at_most` bytes. Raises OSError."""
    copied = 0
    while data := await reader.read(CHUNK):
        copied += len(data)
        if at_most is not None and copied > at_most:
            return
        writer.write(data)
        await writer.drain()


async def _answer(writer: asyncio.StreamWriter, status: bytes) -> None:
    with contextlib.suppress(OSError):
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
