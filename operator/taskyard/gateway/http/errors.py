"""Errors in the one form that every route answers with: `{message, detail?, validations?: [{field, detail}]}`."""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from taskyard.apiclient import ApiError
from taskyard.gateway.audit import act as acts
from taskyard.gateway.audit.request_id import HEADER
from taskyard.gateway.http.missed_routes import MissedRoutes
from taskyard.gateway.metrics import Metrics

_NO_ANSWER = "The Kubernetes API server gave no answer."

logger = logging.getLogger(__name__)


class HttpError(Exception):
    """An error response: HTTP status, message for people, and details that may help to fix the cause."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        detail: str = "",
        validations: Sequence[Mapping[str, str]] = (),
        retry_after: float | None = None,
        close: bool = False,
        bound: str = "",
    ) -> None:
        """`bound` is the one of metrics.BOUNDS, if any, that refused the request."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.detail = detail
        self.validations = validations
        self.retry_after = retry_after
        self.close = close
        self.bound = bound

    def response(self) -> JSONResponse:
        """The response; `Retry-After` is in whole seconds, at least 1."""
        body: dict[str, Any] = {"message": self.message}
        if self.detail:
            body["detail"] = self.detail
        if self.validations:
            body["validations"] = [dict(validation) for validation in self.validations]
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        if self.close:
            # The rest of the body is not read, so the connection cannot be used again.
            headers["Connection"] = "close"
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(body, status_code=self.status, headers=headers)


def add_error_answers(app: FastAPI, metrics: Metrics, *, missed: MissedRoutes | None = None) -> None:
    """Answer errors of every kind in the form of `HttpError`; `missed` is told of requests that no route has."""

    async def _http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HttpError)
        _because(request, error.message)
        if error.bound:
            metrics.bound_reached(error.bound)
        return error.response()

    async def _routing_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        message = {404: "Route not found.", 405: "Method not allowed."}.get(error.status_code, str(error.detail))
        if missed is not None and error.status_code in (404, 405):
            missed.missed(request.method, request.scope["path"])
        return JSONResponse({"message": message}, status_code=error.status_code, headers=error.headers)

    app.add_exception_handler(HttpError, _http_error)
    app.add_exception_handler(HTTPException, _routing_error)
    app.add_exception_handler(ApiError, _cluster_error)
    app.add_exception_handler(Exception, _unexpected)


async def _cluster_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    logger.warning("%s", error)
    _because(request, _NO_ANSWER)
    return HttpError(503, _NO_ANSWER, detail=error.message, retry_after=1).response()


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    response = HttpError(500, "Internal error.").response()
    # This answer passes no middleware.
    if identifier := acts.of(request).request:
        response.headers[HEADER] = identifier
    return response


def _because(request: Request, message: str) -> None:
    """Has the audit log tell the cause, unless a better one is known. Never an error's details: what Kubernetes says
    there may quote a prompt."""
    act = acts.of(request)
    act.reason = act.reason or message
