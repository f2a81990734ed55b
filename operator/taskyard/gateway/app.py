"""The application behind the sidecars' listener."""

import asyncio
import logging

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from taskyard import __version__
from taskyard.apiclient import ApiError
from taskyard.gateway import agents, enroll, outputs
from taskyard.gateway.context import Context
from taskyard.gateway.errors import HttpError
from taskyard.gateway.exchanges import Exchanges
from taskyard.gateway.metrics import Measured

_logger = logging.getLogger(__name__)


def sidecar_app(context: Context, stopping: asyncio.Event) -> FastAPI:
    """Routes and error answers. Its callers are programs of ours, so it serves no documentation."""
    app = FastAPI(title="Taskyard", version=__version__, openapi_url=None, redirect_slashes=False)
    app.add_middleware(Exchanges, stopping=stopping)
    app.add_middleware(Measured, metrics=context.metrics)
    app.include_router(enroll.routes(context))
    app.include_router(agents.routes(context))
    app.include_router(outputs.routes(context))
    add_error_answers(app)
    return app


def add_error_answers(app: FastAPI) -> None:
    """Answer errors of every kind in the one form that `HttpError` has."""
    app.add_exception_handler(HttpError, _http_error)
    app.add_exception_handler(HTTPException, _routing_error)
    app.add_exception_handler(ApiError, _cluster_error)
    app.add_exception_handler(Exception, _unexpected)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HttpError)
    return error.response()


async def _routing_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    message = {404: "Route not found.", 405: "Method not allowed."}.get(error.status_code, str(error.detail))
    return JSONResponse({"message": message}, status_code=error.status_code, headers=error.headers)


async def _cluster_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    _logger.warning("%s", error)
    return HttpError(503, "The Kubernetes API server gave no answer.", detail=error.message, retry_after=1).response()


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    return HttpError(500, "Internal error.").response()
