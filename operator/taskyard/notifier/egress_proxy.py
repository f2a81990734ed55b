"""The proxy by which an installation reaches the internet, as the environment names it."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

HEAD_BYTES = 8192


@dataclass(frozen=True)
class EgressProxy:
    """A proxy without TLS that opens tunnels (CONNECT). `exceptions` are the hosts that it does not lead to, as
    `NO_PROXY` has them: names, domains and addresses with commas between them."""

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    exceptions: str = ""

    @classmethod
    def of(cls, address: str, *, exceptions: str) -> EgressProxy:
        """From `http://[USER:PASSWORD@]HOST[:PORT]`, the scheme of which may be left out. Raises ValueError."""
        where = urlsplit(address if "://" in address else f"http://{address}")
        if where.scheme != "http" or not where.hostname or where.path.strip("/") or where.query:
            raise ValueError("only http:// is spoken with a proxy, to a host and a port")
        user, password = unquote(where.username or ""), unquote(where.password or "")
        return cls(where.hostname, where.port or 80, user, password, exceptions)

    @property
    def url(self) -> str:
        """Without user and password."""
        return f"http://{_in_brackets(self.host)}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """What has to be sent with each CONNECT."""
        if not self.user:
            return {}
        return {"Proxy-Authorization": "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()}

    def leads_to(self, host: str, port: int) -> bool:
        """Whether a host is reached by it."""
        named = {"no": self.exceptions}
        return not (proxy_bypass_environment(host, named) or proxy_bypass_environment(f"{host}:{port}", named))

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A tunnel to a host, which the proxy looks up. Raises OSError."""
        reader, writer = await asyncio.open_connection(self.host, self.port, limit=HEAD_BYTES)
        target = f"{_in_brackets(host)}:{port}"
        headers = {"Host": target, **self.headers}
        lines = [f"CONNECT {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode())
            await writer.drain()
            status = _status(await reader.readuntil(b"\r\n\r\n"))
            if not 200 <= status < 300:
                raise ConnectionRefusedError(f"the proxy answered {status}")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            writer.close()
            raise ConnectionResetError("what the proxy answered is no HTTP") from error
        except BaseException:
            writer.close()
            raise
        return reader, writer


def _status(head: bytes) -> int:
    """The status of an answer. Raises ValueError."""
    version, status, *_ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("another protocol")
    return int(status)


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host
