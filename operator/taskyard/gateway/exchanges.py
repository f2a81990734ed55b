"""What holds for every exchange with a client, whatever the route."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# How long a client may take nothing of an answer.
WRITE_TIMEOUT = 30.0

_LEAVING = "taskyard.leaving"


def when_left(request: Request, act: Callable[[], None]) -> None:
    """Have `act` called once the request has been answered to its end, or its client has gone."""
    request.scope[_LEAVING].append(act)


class Exchanges:
    """ASGI middleware: what a request holds is given back at its end, a client that does not take its answer is given
    up, and while the process is `stopping` each connection ends with its answer, so that the next goes elsewhere."""

    def __init__(self, app: ASGIApp, *, stopping: asyncio.Event) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        leaving: list[Callable[[], None]] = []
        scope[_LEAVING] = leaving
        given_up = False

        async def sending(message: Message) -> None:
            nonlocal given_up
            if message["type"] == "http.response.start" and self._stopping.is_set():
                message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            try:
                async with asyncio.timeout(WRITE_TIMEOUT):
                    await send(message)
            except TimeoutError:
                given_up = True
                raise

        try:
            await self._app(scope, receive, sending)
        except TimeoutError:
            # uvicorn closes the connection of an answer that ended early.
            if not given_up:
                raise
        finally:
            for act in leaving:
                act()
