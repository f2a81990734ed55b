"""Receivers on loopback: an HTTP server that answers what a test says, bytes as they are, with TLS or without."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

from taskyard.core.security.certificates import Authority, issue_serving_certificate, new_authority
from taskyard.notifier.guarded_dns import GuardedDns

LOOPBACK = (ip_network("127.0.0.0/8"),)
HOST = "receiver.test"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def reached(self, connections: int) -> None:
        """Until so many connections were made."""
        while self.connections < connections:
            self.came.clear()
            await self.came.wait()

    def url(self, path: str = "/hook", *, scheme: str = "http", host: str = HOST) -> str:
        return f"{scheme}://{host}:{self.port}{path}"


# What is answered to a request; None: nothing at all, while the connection stays.
Answer = Callable[[Request], bytes | None]


def answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def always(reply: bytes | None) -> Answer:
    return lambda _: reply


OK = always(answer(204))


def redirecting(status: int, *targets: str) -> Answer:
    """To each target in turn, from the path before it."""
    places = {"/hook": targets[0], **{f"/{number}": target for number, target in enumerate(targets[1:], 1)}}
    return lambda request: (
        answer(status, f"Location: {places[request.path]}") if request.path in places else answer(204)
    )


@contextlib.asynccontextmanager
async def receiver(
    reply: Answer = OK, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Receiver]:
    """A server that ends with the block, whatever its clients do."""
    found, serving = Receiver(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())  # type: ignore[arg-type]
        found.connections += 1
        found.came.set()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:]) if name}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            found.requests.append(Request(method, path, headers, body))
            replied = reply(found.requests[-1])
            if replied is None:
                await asyncio.sleep(3600)
            else:
                writer.write(replied)
                await writer.drain()

    server = await asyncio.start_server(serve, host, 0, ssl=tls, backlog=1024)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


class Names:
    """Name servers of the test: for each name the answers in turn, the last one again and again."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(each) for name, each in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        answers = self._answers[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def names(**answers: str) -> Names:
    """Name servers that always answer the same; addresses with commas between them."""
    return Names(**{name: [each.split(",")] for name, each in answers.items()})


RECEIVER_IS_HERE = names(receiver_test="127.0.0.1", other_test="127.0.0.1", private_test="10.0.0.1")


def dns(lookup: Names = RECEIVER_IS_HERE) -> GuardedDns:
    """Addresses, of which those of loopback are allowed."""
    return GuardedDns(allowed=LOOPBACK, lookup=lookup)


def authority() -> Authority:
    return new_authority(datetime.now(UTC))


def serving(of: Authority, folder: Path, *hosts: str) -> ssl.SSLContext:
    """TLS of a server with these names."""
    issued = issue_serving_certificate(
        of, dns_names=hosts or (HOST,), now=datetime.now(UTC), lifetime=timedelta(days=1)
    )
    file = folder / "server.pem"
    file.write_text(issued.certificate_pem + issued.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def trust(of: Authority, folder: Path) -> str:
    """The file with the certificate of an authority."""
    file = folder / "ca.pem"
    file.write_text(of.certificate_pem)
    return str(file)
