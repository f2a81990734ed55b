"""The AgentAPI routes on port 8484. Every path, known or not, requires the key."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from taskyard.core import control_text
from taskyard.limits import MAX_CONTENT_CHARACTERS
from taskyard.sidecar.conversation.content import fault as typing_fault
from taskyard.sidecar.conversation.events import Hub, Stream, TooSlowError
from taskyard.sidecar.conversation.intents import JournalUnavailableError
from taskyard.sidecar.drivers.base import RefusedError, UnreachableError
from taskyard.sidecar.gateway.client import GatewayError
from taskyard.sidecar.gateway.reporter import SnapshotUploader
from taskyard.sidecar.http import bodies, openapi
from taskyard.sidecar.http.bodies import ProblemError
from taskyard.sidecar.http.uploads import Uploads
from taskyard.sidecar.message_delivery import NotReadyError
from taskyard.sidecar.session import Session

MAX_BODY_BYTES = 1 << 20
SNAPSHOT_TIMEOUT = 10.0
MAX_KEY_CHARACTERS = 255
MAX_NAME_CHARACTERS = 253
PING_EVERY = 15.0
FIELDS = {"content", "type", "answers"}
TYPES = ("user", "control", "raw")
# More than the gateway lets through: an id that nothing has is refused as not asked.
MAX_ANSWERED_ID_CHARACTERS = 128


class KeyRequired:
    """Admits only callers with the key, compared in constant time. `key` is called for each request, since the key may
    be renewed.
    """

    def __init__(self, app: ASGIApp, key: Callable[[], str]) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._admits(scope):
            problem = ProblemError(401, "the sidecar's key is required")
            await problem.response({"WWW-Authenticate": "Bearer", "Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _admits(self, scope: Scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        expected = b"Bearer " + self._key().encode()
        return len(given) == 1 and hmac.compare_digest(given[0], expected)


class EventStream(StreamingResponse):
    """Server-sent events. The stream is closed when the client is gone or was dropped as too slow."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, stream: Stream) -> None:
        super().__init__(self._pieces(stream), headers={"Cache-Control": "no-store"})
        self._hub = hub
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._hub.close(self._stream)

    @staticmethod
    async def _pieces(stream: Stream) -> AsyncIterator[bytes]:
        while True:
            try:
                event = await stream.next(PING_EVERY)
            except TooSlowError:
                return
            yield event.encode() if event is not None else b": ping\n\n"


class Routes:
    """The handlers, one method per route."""

    def __init__(self, session: Session, snapshots: SnapshotUploader, uploads: Uploads) -> None:
        self._session = session
        self._snapshots = snapshots
        self._uploads = uploads

    async def status(self, request: Request) -> Response:
        return JSONResponse(self._session.status_body())

    async def messages(self, request: Request) -> Response:
        return JSONResponse({"messages": self._session.messages()})

    async def message(self, request: Request) -> Response:
        key, name = _key(request), _input_name(request)
        content, kind, answers = _message(await bodies.read(request, MAX_BODY_BYTES))
        try:
            if answers is not None:
                delivery = await self._session.settle(answers, content, key, name=name)
            elif kind == "raw":
                delivery = await self._session.press(content, key, name=name)
            else:
                delivery = await self._session.deliver(content, key, control=kind == "control", name=name)
        except NotReadyError as error:
            raise ProblemError(409, str(error)) from error
        except RefusedError as error:
            raise ProblemError(422, str(error)) from error
        except UnreachableError as error:
            raise ProblemError(502, str(error)) from error
        except JournalUnavailableError as error:
            raise ProblemError(503, str(error)) from error
        in_doubt = {"inDoubt": True} if delivery.in_doubt else {}
        return JSONResponse({"ok": True, **in_doubt, **({"deliveredBefore": True} if delivery.repeated else {})})

    async def upload(self, request: Request) -> Response:
        return JSONResponse({"ok": True, "filePath": await self._uploads.take(request)})

    async def events(self, request: Request) -> Response:
        return EventStream(self._session.broadcast.hub, self._session.listen())

    async def screen(self, request: Request) -> Response:
        return EventStream(self._session.broadcast.screens, self._session.watch())

    async def snapshot(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(SNAPSHOT_TIMEOUT):
                taken = await self._snapshots.take_now()
        except (GatewayError, TimeoutError) as error:
            raise ProblemError(502, f"the snapshot could not be uploaded: {str(error) or 'timed out'}") from error
        return JSONResponse(
            {"ok": True, "messages": taken.messages, "bytes": len(taken.body), "truncated": taken.truncated}
        )


async def description(request: Request) -> Response:
    return JSONResponse(openapi.document())


async def root(request: Request) -> Response:
    """The contract redirects to a web page here; this endpoint, which requires a key, has only its description."""
    return RedirectResponse("/openapi.json", 307)


def application(session: Session, snapshots: SnapshotUploader, uploads: Uploads, key: Callable[[], str]) -> Starlette:
    routes = Routes(session, snapshots, uploads)
    return Starlette(
        routes=[
            Route("/message", routes.message, methods=["POST"]),
            Route("/status", routes.status, methods=["GET"]),
            Route("/messages", routes.messages, methods=["GET"]),
            Route("/events", routes.events, methods=["GET"]),
            Route("/internal/screen", routes.screen, methods=["GET"]),
            Route("/upload", routes.upload, methods=["POST"]),
            Route("/snapshot", routes.snapshot, methods=["POST"]),
            Route("/openapi.json", description, methods=["GET"]),
            Route("/", root, methods=["GET"]),
        ],
        middleware=[Middleware(KeyRequired, key=key)],
        exception_handlers={ProblemError: _problem, HTTPException: _http_problem, Exception: _unexpected},
    )


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.response()


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return ProblemError(error.status_code, error.detail).response(dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> Response:
    return ProblemError(500, "unexpected error, see the sidecar's log").response()


def _key(request: Request) -> str | None:
    key = _header(request, "Idempotency-Key", MAX_KEY_CHARACTERS)
    return f"input:{key}" if key is not None else None


def _input_name(request: Request) -> str | None:
    """The name of the TaskInput that is delivered."""
    return _header(request, "Taskyard-Input", MAX_NAME_CHARACTERS)


def _header(request: Request, name: str, longest: int) -> str | None:
    value = request.headers.get(name)
    if value is not None and not (0 < len(value) <= longest and value.isascii() and value.isprintable()):
        raise ProblemError(422, f"{name} must have 1 to {longest} printable ASCII characters")
    return value


def _message(body: bytes) -> tuple[str, str, str | None]:
    """Content and type of a message, and the question that it answers. Raises ProblemError 422, which lists every
    fault.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProblemError(422, f"the body is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ProblemError(422, "the body must be a JSON object")
    errors = [_fault("unexpected property", f"body.{name}", None) for name in value if name not in FIELDS]
    content, kind = value.get("content"), value.get("type", "user")
    if kind not in TYPES:
        errors.append(_fault('expected one of "user", "control", "raw"', "body.type", kind))
    if not isinstance(content, str):
        errors.append(_fault("expected a string", "body.content", content))
    elif fault := _content_fault(content, kind):
        errors.append(_fault(fault, "body.content", None))
    answers = value.get("answers")
    if answers is not None and not (isinstance(answers, str) and 0 < len(answers) <= MAX_ANSWERED_ID_CHARACTERS):
        errors.append(_fault("expected the id of a question", "body.answers", None))
    elif answers is not None and kind in ("control", "raw"):
        errors.append(_fault("only a message of type user answers a question", "body.answers", answers))
    if errors or not isinstance(content, str):
        raise ProblemError(422, "; ".join(f"{error['location']}: {error['message']}" for error in errors), errors)
    return content, str(kind), answers


def _content_fault(content: str, kind: object) -> str | None:
    if len(content) > MAX_CONTENT_CHARACTERS:
        return f"may have at most {MAX_CONTENT_CHARACTERS} characters"
    if any("\ud800" <= character <= "\udfff" for character in content):
        return "contains half of a surrogate pair, which is not text"
    if kind == "control":
        return control_text.problem(content)
    if kind == "raw":
        return None if content else "must not be empty"
    return typing_fault(content) or None


def _fault(message: str, location: str, value: object) -> dict[str, Any]:
    return {"message": message, "location": location, "value": value}
