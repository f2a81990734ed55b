"""A client of the API server that costs little itself: bodies are bytes, and of a watch only names are read."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp

from kube import Kube

CONNECTIONS = 32
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"

_ADDED = re.compile(rb'\{"type":"ADDED".*?"metadata":\{"name":"([^"]+)"', re.DOTALL)


class AsyncClient:
    """Makes requests over at most CONNECTIONS connections; an unsuccessful one raises AssertionError."""

    def __init__(self, session: aiohttp.ClientSession, server: str) -> None:
        self._session, self._server = session, server

    async def request(self, method: str, path: str, body: bytes, content_type: str = JSON) -> bytes:
        headers = {"Content-Type": content_type}
        async with self._session.request(method, self._server + path, data=body, headers=headers) as response:
            content = await response.read()
            assert response.status < 300, f"{method} {path}: {response.status}: {content[:500]!r}"
            return content

    @asynccontextmanager
    async def added(self, path: str, seen: Callable[[str, float], None]) -> AsyncIterator[None]:
        """Meanwhile `seen` is called with the name of each object that is added at the path, and the moment
        (time.perf_counter) at which it was heard of. Objects that exist already are left out."""
        async with self._session.get(f"{self._server}{path}") as response:
            version = (await response.json())["metadata"]["resourceVersion"]
        # As the operator watches, so that the API server encodes an event once for both.
        where = f"{self._server}{path}&watch=true&allowWatchBookmarks=true&resourceVersion={version}"
        async with self._session.get(where) as response:
            assert response.status == 200, response.status
            reading = asyncio.create_task(_names(response.content, seen))
            try:
                yield
            finally:
                reading.cancel()
                with suppress(asyncio.CancelledError):
                    await reading


@asynccontextmanager
async def connected(kube: Kube) -> AsyncIterator[AsyncClient]:
    """A client of the same API server with the same rights."""
    # One more, for a watch.
    connector = aiohttp.TCPConnector(limit=CONNECTIONS + 1, ssl=kube.context, keepalive_timeout=300)
    timeout = aiohttp.ClientTimeout(total=None, sock_read=120)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield AsyncClient(session, kube.server)


async def _names(content: aiohttp.StreamReader, seen: Callable[[str, float], None]) -> None:
    rest = b""
    async for piece in content.iter_any():
        now = time.perf_counter()
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            found = _ADDED.match(line)
            if found:
                seen(found[1].decode(), now)
