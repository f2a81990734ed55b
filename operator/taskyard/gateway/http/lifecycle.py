"""What applies to every request, whatever its route."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LEAVING = "taskyard.leaving"


def when_left(request: Request, act: Callable[[], None]) -> None:
    """Call `act` once the request has been answered completely, or its client has left."""
    request.scope[_LEAVING].append(act)


class RequestLifecycle:
    """ASGI middleware: releases what a request holds at its end; while the process is `stopping`, closes each
    connection after its response, so that the client's next request goes to another replica."""

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
