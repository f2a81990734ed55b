"""The line of a request, and the identifier of each answer."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from taskyard.gateway.audit import act as acts
from taskyard.gateway.audit.line import Verb
from taskyard.gateway.audit.middleware import Auditing, AuditLog
from taskyard.gateway.http.errors import add_error_answers
from taskyard.gateway.metrics import Metrics

Message = dict[str, Any]


class Output:
    def __init__(self) -> None:
        self.lines: list[Any] = []

    def write(self, line: bytes) -> None:
        self.lines.append(json.loads(line))


class Place:
    """The middleware, and a clock that the test sets."""

    def __init__(self, app: ASGIApp, *, is_on: bool = True, verb: Verb | None = Verb.SEND) -> None:
        self.seconds = 0.0
        self.output = Output()
        self.left_out = 0
        routes = {("POST", app): verb} if verb else {}
        log = AuditLog(
            self.output if is_on else None,
            left_out=self._left_out,
            now=lambda: datetime(2026, 1, 31, 12, tzinfo=UTC),
            monotonic=lambda: self.seconds,
        )
        self._app = app
        self._middleware = Auditing(self._routed, log=log, routes=routes)
        self.sent: list[Message] = []

    async def ask(
        self, headers: Mapping[str, str] | None = None, *, method: str = "POST", client: Any = ("::1", 1)
    ) -> Any:
        """The line of one request; None without one."""
        before = len(self.output.lines)
        scope: Scope = {
            "type": "http",
            "method": method,
            "path": "/",
            "query_string": b"",
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
            "client": client,
        }
        self.sent = []
        await self._middleware(scope, self._receive, self._send)
        found = self.output.lines[before:]
        return found[0] if found else None

    @property
    def identifier(self) -> str:
        """The answer's X-Request-Id."""
        [value] = [value for name, value in self.sent[0]["headers"] if name == b"x-request-id"]
        return str(value.decode())

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["endpoint"] = self._app
        await self._app(scope, receive, send)

    async def _receive(self) -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            # The line is on its way before the caller knows anything.
            message = {**message, "lines": len(self.output.lines)}
        self.sent.append(message)

    def _left_out(self) -> None:
        self.left_out += 1


def answering(response: Response, **facts: Any) -> ASGIApp:
    """An application that knows these facts about each request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        act = acts.of(Request(scope))
        for name, value in facts.items():
            setattr(act, name, value)
        act.by("jane", "uid-1", ("dev",))
        await response(scope, receive, send)

    return app


async def test_an_answer_has_its_line_before_it_is_sent() -> None:
    place = Place(answering(PlainTextResponse("ok"), namespace="team", name="hello", uid="u"))
    line = await place.ask({"X-Request-Id": "build-4711", "X-Forwarded-For": "203.0.113.9, 10.0.0.1"})
    assert line == {
        "audit": "taskyard.dev/v1",
        "time": "2026-01-31T12:00:00.000Z",
        "request": "build-4711",
        "who": {"user": "jane", "uid": "uid-1", "groups": ["dev"], "groups_left_out": 0},
        "from": {"address": "::1", "forwarded_for": "203.0.113.9, 10.0.0.1"},
        "verb": "send",
        "task": {"namespace": "team", "name": "hello", "uid": "u"},
        "outcome": "allowed",
        "status": 200,
        "reason": None,
        "text": None,
        "input": None,
        "left_out": 0,
    }
    assert place.sent[0]["lines"] == 1
    assert place.identifier == "build-4711"


async def test_a_refusal_tells_its_reason_and_what_is_allowed_tells_none() -> None:
    refused = Place(answering(PlainTextResponse("no", status_code=403), reason="Forbidden."))
    allowed = Place(answering(PlainTextResponse("ok"), reason="left over"))
    [first, second] = [await refused.ask(), await allowed.ask()]
    assert (first["outcome"], first["status"], first["reason"]) == ("refused", 403, "Forbidden.")
    assert (second["outcome"], second["reason"]) == ("allowed", None)


async def test_what_is_not_audited_has_an_identifier_and_no_line() -> None:
    app = answering(PlainTextResponse("ok"))
    for place, method in ((Place(app, verb=None), "POST"), (Place(app), "GET"), (Place(app, is_on=False), "POST")):
        assert await place.ask(method=method) is None
        assert len(place.identifier) == 36


async def test_a_fault_of_the_program_is_a_failure() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        acts.of(Request(scope)).by("jane", "", ())
        raise ValueError("the prompt is: secret")

    place = Place(app)
    with pytest.raises(ValueError):
        await place.ask()
    [line] = place.output.lines
    assert (line["outcome"], line["status"], line["reason"]) == ("failed", 500, "Internal error.")


async def test_a_client_that_leaves_is_told_of_too() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        acts.of(Request(scope)).by("jane", "", ())
        await asyncio.sleep(60)

    place = Place(app)
    asking = asyncio.create_task(place.ask())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert [(line["outcome"], line["status"]) for line in place.output.lines] == [("failed", 499)]


async def test_what_begins_while_a_request_is_answered_has_a_line_of_its_own() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        act = acts.of(Request(scope))
        act.by("jane", "", ())
        act.verb = Verb.FOLLOW
        await PlainTextResponse("ok")(scope, receive, send)
        act.also(Verb.READ_LOG)

    place = Place(app)
    await place.ask()
    assert [line["verb"] for line in place.output.lines] == ["follow", "read-log"]
    assert len({line["request"] for line in place.output.lines}) == 1


async def test_nobody_without_a_token_can_push_others_out_of_the_log() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if Request(scope).headers.get("authorization"):
            acts.of(Request(scope)).by("jane", "", ())
            await PlainTextResponse("ok")(scope, receive, send)
        else:
            await PlainTextResponse("who?", status_code=401)(scope, receive, send)

    place, token = Place(app), {"Authorization": "Bearer x"}
    lines = [await place.ask() for _ in range(100)]
    assert [line is not None for line in lines] == [True] * 20 + [False] * 80
    assert place.left_out == 80
    assert lines[0]["who"] is None
    after = await place.ask(token)
    assert after["left_out"] == 80, "the next line tells"
    assert (await place.ask(token))["left_out"] == 0
    assert await place.ask(client=("192.0.2.7", 1)) is not None, "another address has its own share"
    flood = [await place.ask(client=(f"192.0.2.{number}", 1)) for number in range(8, 255) for _ in range(20)]
    assert sum(line is not None for line in flood) < 200
    place.seconds += 60
    assert await place.ask() is not None


async def test_a_caller_who_asks_too_often_gets_no_more_lines_than_that() -> None:
    place = Place(answering(PlainTextResponse("slow down", status_code=429), reason="Too many requests."))
    counts = Counter([await place.ask() is None for _ in range(50)])
    assert counts == {False: 20, True: 30}


async def test_the_answer_to_a_fault_of_the_program_has_the_identifier_of_its_line() -> None:
    """It is sent outside of all middlewares."""
    output, app = Output(), FastAPI()
    log = AuditLog(output, left_out=lambda: None, now=lambda: datetime(2026, 1, 31, tzinfo=UTC), monotonic=lambda: 0.0)

    @app.post("/send")
    async def send_it(request: Request) -> None:
        acts.of(request).by("jane", "", ())
        raise ValueError("the prompt is: secret")

    app.add_middleware(Auditing, log=log, routes={("POST", send_it): Verb.SEND})
    add_error_answers(app, Metrics())
    sent: list[Any] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "POST", "path": "/send", "query_string": b"", "headers": []}
    with pytest.raises(ValueError):
        await app(scope, receive, send)
    assert sent[0]["status"] == 500
    [line] = output.lines
    assert dict(sent[0]["headers"])[b"x-request-id"].decode() == line["request"]
    assert "secret" not in json.dumps(line)
