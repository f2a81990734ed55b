"""A proxy between the operator and the API server that runs a hook around every write.

The operator uses plain HTTP to it on loopback; it uses TLS to the API server with the administrator's certificate.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path

import yaml
from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from kube import Kube

# (number of the write from 1, "before" or "after" it reached the API server, method and path); if it returns true, the
# write is lost.
Hook = Callable[[int, str, str], bool | None]

EXPIRED = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "message": "The provided resource version is too old.",
    "reason": "Expired",
    "code": 410,
}


class FaultProxy:
    """Counts the operator's writes (except dry runs, Events and those to its Lease), and can break its watches."""

    def __init__(self, kube: Kube, folder: Path) -> None:
        self._kube = kube
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.writes: list[str] = []
        self.hook: Hook | None = None
        self.refused: set[str] = set()
        # While set, no request is answered; existing watches continue.
        self.is_silent = False
        # Simulates an API server that has just started: discovery does not list the CRDs' kinds yet.
        self.is_young = False
        # Simulates one that keeps no history: what was at an earlier resourceVersion is not told.
        self.is_forgetful = False
        self._watches: dict[str, set[web.StreamResponse]] = {}

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig for access through the proxy."""
        path = self._folder / "proxy.kubeconfig"
        path.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "proxy", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
                    "users": [{"name": "nobody", "user": {}}],
                    "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "nobody"}}],
                    "current-context": "proxy",
                }
            )
        )
        return path

    def break_watches(self, plural: str, code: int) -> int:
        """Sends an ERROR event with this code to every watch of a kind and ends it; returns the number of watches."""
        return asyncio.run_coroutine_threadsafe(self._break(plural, code), self._loop).result(10)

    async def _break(self, plural: str, code: int) -> int:
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "a fault"}
        event = json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"
        broken = list(self._watches.get(plural, ()))
        for response in broken:
            await response.write(event)
            await response.write_eof()
        return len(broken)

    async def _start(self) -> None:
        self._session = ClientSession(
            connector=TCPConnector(ssl=self._kube.context, limit=200),
            timeout=ClientTimeout(total=None),
            read_bufsize=2**21,
        )
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/{path:.*}", self._forward)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        plural = request.path.rpartition("/")[2]
        if plural in self.refused:
            return web.Response(status=503)
        is_write = request.method not in ("GET", "HEAD") and "dryRun" not in request.query
        is_write = is_write and not request.path.endswith("/leases/taskyard-operator") and plural != "leases"
        # Events are written in parallel to the work, at any time.
        is_write = is_write and "/apis/events.k8s.io/" not in request.path
        line = f"{request.method} {request.path}"
        number = 0
        if is_write:
            self.writes.append(line)
            number = len(self.writes)
            if self.hook and self.hook(number, "before", line):
                return web.Response(status=503)
        if self.is_young and request.path == "/apis":
            return web.json_response({"kind": "APIGroupList", "apiVersion": "v1", "groups": []})
        if self.is_forgetful and request.query.get("resourceVersionMatch") == "Exact":
            return web.json_response(EXPIRED, status=410)
        if self.is_silent:
            await asyncio.Event().wait()
        headers = {name: value for name, value in request.headers.items() if name in ("Content-Type", "Accept")}
        async with self._session.request(
            request.method, self._kube.server + request.raw_path, data=await request.read() or None, headers=headers
        ) as answer:
            if is_write and self.hook:
                await answer.read()
                self.hook(number, "after", line)
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
            if "watch" in request.query:
                # A broken connection ends before this handler does: the next request must not wait for that.
                response.force_close()
            await response.prepare(request)
            watches = self._watches.setdefault(plural, set())
            if "watch" in request.query:
                watches.add(response)
            try:
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
            except (ConnectionError, RuntimeError):
                pass  # the operator is gone, or the watch was broken
            finally:
                watches.discard(response)
        return response
