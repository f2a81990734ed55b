"""The routes on 127.0.0.1:8485 for the agent: MCP for agents that speak it, plain JSON for taskyard-report and curl.

Any process in the Pod may call them, so they reveal nothing and change only what the agent reports about itself.
"""

import json
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from taskyard.core.tokenbucket import Rate, TokenBucket
from taskyard.sidecar.conversation.reports import AgentReportError
from taskyard.sidecar.conversation.task_outputs import OutputError
from taskyard.sidecar.http import bodies, mcp
from taskyard.sidecar.http.bodies import ProblemError
from taskyard.sidecar.session import Session

MAX_BODY_BYTES = 16_384
RATE = Rate(per_second=1, burst=30)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class TooOftenError(Exception):
    """The agent reports more often than anybody could read."""


class Limited:
    """The session's two methods for the agent's own reports, under one rate limit."""

    def __init__(self, session: Session, monotonic: Callable[[], float]) -> None:
        self._session = session
        self._monotonic = monotonic
        self._bucket = TokenBucket(RATE, monotonic())

    def report(self, state: object, summary: object, link: object) -> None:
        self._take()
        self._session.report(state, summary, link)

    def set_output(self, name: object, value: object) -> None:
        self._take()
        self._session.set_output(name, value)

    def _take(self) -> None:
        if self._bucket.wait(self._monotonic()) > 0:
            raise TooOftenError("too many reports; wait a second")
        self._bucket.take()


class ReportRoutes:
    def __init__(self, limited: Limited) -> None:
        self._limited = limited
        self._mcp = mcp.Server(limited.report, limited.set_output)

    async def mcp(self, request: Request) -> Response:
        """Streamable HTTP without sessions: every request is answered at once, so there is nothing to stream."""
        _refuse_strangers(request)
        version = request.headers.get("mcp-protocol-version")
        if version is not None and version not in mcp.PROTOCOL_VERSIONS:
            raise ProblemError(400, f"MCP-Protocol-Version must be one of {', '.join(mcp.PROTOCOL_VERSIONS)}")
        answer = self._mcp.answer(await bodies.read(request, MAX_BODY_BYTES))
        return Response(status_code=202) if answer is None else JSONResponse(answer)

    async def report(self, request: Request) -> Response:
        value = await _object(request)
        try:
            self._limited.report(value.get("state"), value.get("summary"), value.get("link", ""))
        except AgentReportError as error:
            raise ProblemError(422, str(error)) from None
        return PlainTextResponse("ok\n")

    async def output(self, request: Request) -> Response:
        value = await _object(request)
        try:
            self._limited.set_output(value.get("name"), value.get("value"))
        except OutputError as error:
            raise ProblemError(422, str(error)) from None
        return PlainTextResponse("ok\n")


def application(session: Session, monotonic: Callable[[], float]) -> Starlette:
    routes = ReportRoutes(Limited(session, monotonic))
    return Starlette(
        routes=[
            Route("/mcp", routes.mcp, methods=["POST"]),
            Route("/report", routes.report, methods=["POST"]),
            Route("/output", routes.output, methods=["POST"]),
        ],
        exception_handlers={
            ProblemError: _plain,
            TooOftenError: _too_often,
            HTTPException: _routing,
            Exception: _unexpected,
        },
    )


async def _object(request: Request) -> dict[str, object]:
    _refuse_strangers(request)
    try:
        value = json.loads((await bodies.read(request, MAX_BODY_BYTES)).decode(errors="replace"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ProblemError(422, "the body must be a JSON object")
    return value


def _refuse_strangers(request: Request) -> None:
    """A web page that the agent opens in a browser must not report for it."""
    origin = request.headers.get("origin")
    for address in (f"//{request.headers.get('host', '')}", *([origin] if origin is not None else [])):
        try:
            known = urlsplit(address).hostname in LOOPBACK
        except ValueError:
            known = False
        if not known:
            raise ProblemError(403, "only for programs in this Pod")


async def _plain(request: Request, error: Exception) -> Response:
    """One line, which taskyard-report shows to its caller."""
    assert isinstance(error, ProblemError)
    return PlainTextResponse(f"{error}\n", error.status, {"Connection": "close"} if error.close else None)


async def _too_often(request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", 429, {"Retry-After": "1"})


async def _routing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    return PlainTextResponse("unexpected error, see the sidecar's log\n", 500)
