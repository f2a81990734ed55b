"""How requests are counted, those that become websockets among them."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from taskyard.api.vocabulary import InputReason
from taskyard.gateway.metrics import Measured, Metrics
from taskyard.httpconnection import UPGRADE, Upgraded

PATH = "/api/v2/workspacebuilds/1/logs"


def value(metrics: Metrics, name: str, **labels: str) -> float:
    found = metrics.registry.get_sample_value(f"taskyard_gateway_{name}", labels)
    return found or 0.0


async def asked(metrics: Metrics, app: Any) -> None:
    """A request that may become something else than HTTP is answered by `app`."""
    nothing = cast(asyncio.Transport, None)
    extensions = {UPGRADE: {"take_over": lambda: Upgraded(nothing, lambda: None)}}

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        pass

    scope = {"type": "http", "method": "GET", "path": PATH, "headers": [], "extensions": extensions}
    await Measured(app, metrics=metrics)(scope, receive, send)


async def test_a_websocket_is_an_open_stream_and_answered_when_it_begins() -> None:
    metrics = Metrics()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert value(metrics, "streams") == 0
        scope["extensions"][UPGRADE]["take_over"]()
        assert value(metrics, "streams") == 1
        await asyncio.sleep(0.3)

    await asked(metrics, app)
    assert value(metrics, "streams") == 0
    assert value(metrics, "requests_total", route="workspace", code="101") == 1
    assert value(metrics, "request_duration_seconds_sum", route="workspace") < 0.3


async def test_a_refused_upgrade_is_a_request_like_any_other() -> None:
    metrics = Metrics()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("no", 404)(scope, receive, send)
        assert value(metrics, "streams") == 0

    await asked(metrics, app)
    assert value(metrics, "streams") == 0
    assert value(metrics, "requests_total", route="workspace", code="404") == 1


async def test_a_websocket_that_fails_is_an_error_and_no_longer_open() -> None:
    metrics = Metrics()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope["extensions"][UPGRADE]["take_over"]()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await asked(metrics, app)
    assert value(metrics, "streams") == 0
    assert value(metrics, "requests_total", route="workspace", code="500") == 1


def test_inputs_that_find_no_room_are_counted_by_the_bound() -> None:
    metrics = Metrics()
    metrics.input_refused(InputReason.QUEUE_FULL)
    assert value(metrics, "inputs_refused_total", bound="QueueFull") == 1
    assert (
        metrics.registry.get_sample_value("taskyard_gateway_inputs_refused_total", {"bound": "NamespaceQueueFull"}) == 0
    ), "the series is there from the start"
