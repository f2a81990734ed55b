"""What holds for every exchange with a client, whatever the route."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LEAVING = "taskyard.leaving"


def when_left(request: Request, act: Callable[[], None]) -> None:
    """Have `act` called once the request has been answered to its end, or its client has gone."""
    request.scope[_LEAVING].append(act)


class RequestLifecycle:
    """ASGI middleware: what a request holds is given back at its end; while the process is `stopping` each connection
    ends with its answer, so that the next goes elsewhere."""

    def __init__(self, app: ASGIApp, *, stopping: asyncio.Event) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        leaving: list[Callable[[], None]] = []
        scope[_LEAVING] = leaving

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and self._stopping.is_set():
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            for act in leaving:
                act()
