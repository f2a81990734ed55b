"""The application behind the listener for sidecars."""

import asyncio

from fastapi import FastAPI

from taskyard import __version__
from taskyard.gateway.context import Context
from taskyard.gateway.http.errors import add_error_answers
from taskyard.gateway.http.lifecycle import RequestLifecycle
from taskyard.gateway.metrics import Measured
from taskyard.gateway.sidecars.routes import agent_reports, enroll, outputs


def sidecar_app(context: Context, stopping: asyncio.Event) -> FastAPI:
    """The application, with all routes and error handlers. Its callers are Taskyard's own, so it serves no
    documentation."""
    app = FastAPI(title="Taskyard", version=__version__, openapi_url=None, redirect_slashes=False)
    app.add_middleware(RequestLifecycle, stopping=stopping)
    app.add_middleware(Measured, metrics=context.metrics)
    app.include_router(enroll.routes(context))
    app.include_router(agent_reports.routes(context))
    app.include_router(outputs.routes(context))
    add_error_answers(app, context.metrics)
    return app
