"""Writes the line of each request whose route is audited, and gives every answer its X-Request-Id."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskyard.core.tokenbucket import Rate
from taskyard.gateway.audit import act as acts
from taskyard.gateway.audit import line as lines
from taskyard.gateway.audit.act import Act
from taskyard.gateway.audit.line import Line, Verb
from taskyard.gateway.audit.request_id import HEADER, request_id
from taskyard.gateway.review_limit import ReviewLimit

# Of refusals that cost the gateway nothing, so many for each caller and for all: more would push others out of the log.
_EACH, _ALL_TOGETHER, _CALLERS = Rate(per_second=1, burst=20), Rate(per_second=20, burst=200), 4096
_TOO_MANY, _CLIENT_LEFT, _FAILED = 429, 499, 500

# The headers that may hold a token.
_SECRET = ("authorization", "coder-session-token", "cookie")

# The routes that are audited: by their method, and the function that answers.
Audited = Mapping[tuple[str, Any], Verb]


class Output(Protocol):
    """Where lines go."""

    def write(self, line: bytes, /) -> None: ...


@dataclass(frozen=True)
class AuditLog:
    """The log: `output`, or None where it is switched off, and `left_out`, which is told of each line that is not
    written since there were too many. `now` is the wall clock, `monotonic` counts seconds."""

    output: Output | None
    left_out: Callable[[], None]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]


class Auditing:
    """ASGI middleware, outside of all others that change the status of an answer."""

    def __init__(self, app: ASGIApp, *, log: AuditLog, routes: Audited) -> None:
        self._app = app
        self._log = log
        self._routes = routes
        self._limit = ReviewLimit(each=_EACH, all_together=_ALL_TOGETHER, callers=_CALLERS, now=log.monotonic())
        self._left_out = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        secrets = " ".join(headers.get(name, "") for name in _SECRET)
        act = Act(request_id(headers.get(HEADER, ""), secrets=secrets))
        act.also = lambda verb: self._note(scope, act, 200, verb=verb)
        acts.begin(scope, act)
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # Before the caller knows the outcome: nothing is done whose line was not on its way.
                self._note(scope, act, status)
                identifier = HEADER.lower().encode(), act.request.encode()
                message = {**message, "headers": [*message.get("headers", ()), identifier]}
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            if not status:
                status = _FAILED
                act.reason = "Internal error."
                self._note(scope, act, status)
            raise
        finally:
            if not status:
                act.reason = "The client left before the answer."
                self._note(scope, act, _CLIENT_LEFT)

    def _note(self, scope: Scope, act: Act, status: int, *, verb: Verb | None = None) -> None:
        routed = self._routes.get((scope["method"], scope.get("endpoint")))
        output = self._log.output
        if routed is None or output is None:
            return
        address = scope["client"][0] if scope.get("client") else None
        if (act.who is None or status == _TOO_MANY) and not self._has_room(act.who.user if act.who else f"@{address}"):
            self._left_out += 1
            self._log.left_out()
            return
        outcome = lines.outcome(status)
        forwarded = ", ".join(Headers(scope=scope).getlist("x-forwarded-for"))
        line = Line(
            audit=lines.KIND,
            time=lines.moment(self._log.now()),
            request=act.request,
            who=act.who,
            from_=lines.source(address, forwarded or None),
            verb=verb or act.verb or routed,
            task=lines.of_task(act.namespace, act.name, act.uid),
            outcome=outcome,
            status=status,
            reason=None if outcome == "allowed" else lines.reason(act.reason),
            text=act.text,
            input=act.input,
            left_out=self._left_out,
        )
        self._left_out = 0
        output.write(lines.encoded(line))

    def _has_room(self, caller: str) -> bool:
        return not self._limit.take(caller, self._log.monotonic())
