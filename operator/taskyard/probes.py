"""`/healthz` and `/readyz` for the kubelet, `/metrics` for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

# Prometheus' text format, which `render` returns.
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def serve(port: int, *, is_ready: Callable[[], bool], render: Callable[[], bytes]) -> web.AppRunner:
    """Serve until the runner is cleaned up: alive while the event loop runs, ready while `is_ready` says so."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n") if is_ready() else web.Response(status=503, text="not listed yet\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=render(), headers={"Content-Type": METRICS_TYPE})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
