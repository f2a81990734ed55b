"""Addresses of hosts, of which only public ones are returned: what is connected to is the address that was checked, so
that a name server that answers differently the next time opens nothing.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from taskyard.core import public_address
from taskyard.core.public_address import Network
from taskyard.notifier.fault import DeliveryError
from taskyard.notifier.shared_threads import SharedThreads

# The addresses of a host, as texts. Raises OSError.
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]

LOOKUP_SECONDS = 5.0
# Name servers that do not answer hold a thread longer than it is waited for. The event loop's own threads are few, and
# the client of the API server needs them.
LOOKUP_THREADS = 80
_THREADS = SharedThreads(LOOKUP_THREADS, prefix="lookup")


async def system_lookup(host: str, port: int) -> list[str]:
    """By the system's resolver, which also reads the many forms of an IPv4 address. The threads are shared by
    namespaces."""
    found = await _THREADS.run(_addresses, host, port)
    return list(dict.fromkeys(found))


def _addresses(host: str, port: int) -> list[str]:
    return [str(address[0]) for _, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class GuardedDns(AbstractResolver):
    """A resolver for aiohttp, and for others. `allowed` are the networks that are no public ones and yet allowed,
    `refused` those that are not allowed in any case."""

    def __init__(
        self, *, allowed: tuple[Network, ...] = (), refused: tuple[Network, ...] = (), lookup: Lookup = system_lookup
    ) -> None:
        self._allowed = allowed
        self._refused = refused
        self._lookup = lookup

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host, or the one that `host` is. Raises DeliveryError when any of them is not allowed:
        a name with one public and one private address is no mistake of a public service."""
        literal = public_address.parse(host)
        found = [str(literal)] if literal is not None else await self._looked_up(host, port)
        for text in found:
            problem = self._problem(text)
            if problem:
                shown = text if literal is not None else f"{host} is {text}, which"
                raise DeliveryError(
                    "AddressRefused",
                    f"{shown} {problem}; use a public address, or have its network allowed in the Helm values "
                    "(notifier.allow.networks)",
                )
        if not found:
            raise DeliveryError("DeliveryFailed", f"{host} has no address")
        return found

    async def check(self, host: str, port: int) -> None:
        """Raises DeliveryError when a host that a proxy connects to is known not to be allowed. A host that cannot be
        looked up here may well be known to the proxy, which answers for what it connects to."""
        try:
            await self.addresses(host, port)
        except DeliveryError as error:
            if error.reason != "DeliveryFailed":
                raise

    def checked_socket(self, address: AddrInfoType) -> socket.socket:
        """A socket for an address, as aiohttp has it: the last look before a connection, whoever found the address.
        Raises OSError."""
        family, kind, protocol, _, where = address
        if self._problem(str(where[0])):
            raise PermissionError(errno.EACCES, "the address is not allowed")
        return socket.socket(family, kind, protocol)

    def _problem(self, text: str) -> str:
        address = public_address.parse(text)
        if address is None:
            return "is no address"
        return public_address.problem(address, allowed=self._allowed, refused=self._refused)

    async def _looked_up(self, host: str, port: int) -> list[str]:
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                return list(await self._lookup(host, port))
        except TimeoutError:
            raise DeliveryError(
                "DeliveryFailed", f"no name server answered for {host} within {LOOKUP_SECONDS:g} s"
            ) from None
        except (OSError, ValueError) as error:
            raise DeliveryError(
                "DeliveryFailed", f"{host} has no address ({getattr(error, 'strerror', '') or 'the name is invalid'})"
            ) from None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """For aiohttp, which asks it for names alone."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self.addresses(host, port)
        ]

    async def close(self) -> None:
        """There is nothing to close."""
