"""The application of the plain HTTP port: liveness, readiness and metrics."""

from collections.abc import Callable
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from taskyard.gateway import metrics


def probes_app(is_ready: Callable[[], bool], render: Callable[[], bytes]) -> ASGIApp:
    """`GET /healthz` (the process answers), `GET /readyz` (it accepts requests), `GET /metrics` (what `render`
    returns)."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path: Any = scope.get("path")
        if path == "/healthz":
            response = PlainTextResponse("ok\n")
        elif path == "/metrics":
            response = PlainTextResponse(render(), headers={"Content-Type": metrics.TYPE})
        elif path == "/readyz":
            response = PlainTextResponse("ok\n") if is_ready() else PlainTextResponse("not ready\n", status_code=503)
        else:
            response = PlainTextResponse("not found\n", status_code=404)
        await response(scope, receive, send)

    return app
