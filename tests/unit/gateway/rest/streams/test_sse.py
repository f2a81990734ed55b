"""The response that streams events."""

import asyncio
import logging
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from taskyard.apiclient import ApiError
from taskyard.gateway.rest.streams.sse import PING, EventStream


async def unreadable() -> AsyncGenerator[bytes, None]:
    yield PING
    raise ApiError("GET /apis/taskyard.dev/v1alpha1/namespaces/team/tasks/hello", "no answer")


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
async def test_a_stream_of_what_cannot_be_read_has_no_end_and_is_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture, spec_version: str
) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(3600)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    with caplog.at_level(logging.WARNING):
        await EventStream(unreadable())({"type": "http", "asgi": {"spec_version": spec_version}}, receive, send)
    assert [message.get("body") for message in sent] == [None, PING]
    assert all(message.get("more_body", True) for message in sent)
    [line] = caplog.messages
    assert "no answer" in line and "\n" not in line
