"""The rules of every exchange with a client."""

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from taskyard.gateway.http.lifecycle import RequestLifecycle, when_left

Message = dict[str, Any]


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


def scope() -> Scope:
    return {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}


async def exchange(app: ASGIApp, *, stopping: bool = False) -> list[Message]:
    """The messages that a client gets."""
    sent: list[Message] = []
    event = asyncio.Event()
    if stopping:
        event.set()

    async def send(message: Any) -> None:
        sent.append(message)

    await RequestLifecycle(app, stopping=event)(scope(), receive, send)
    return sent


@pytest.mark.parametrize("fails", [pytest.param(False, id="answered"), pytest.param(True, id="failed")])
async def test_what_a_request_holds_is_given_back_at_its_end(fails: bool) -> None:
    told: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        when_left(Request(scope), lambda: told.append("left"))
        await PlainTextResponse("ok")(scope, receive, send)
        assert not told
        if fails:
            raise ValueError

    if fails:
        with pytest.raises(ValueError):
            await exchange(app)
    else:
        await exchange(app)
    assert told == ["left"]


async def test_while_stopping_a_connection_ends_with_its_answer() -> None:
    usual, [last, _] = await exchange(PlainTextResponse("ok")), await exchange(PlainTextResponse("ok"), stopping=True)
    assert (b"connection", b"close") in last["headers"]
    assert not [name for name, _ in usual[0]["headers"] if name == b"connection"]
