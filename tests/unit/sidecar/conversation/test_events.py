from __future__ import annotations

import pytest

from taskyard.sidecar.conversation.events import Event, Hub, TooSlowError


def event(name: str) -> Event:
    return Event(name, lambda: {"name": name})


def test_event_is_encoded_as_the_standard_requires() -> None:
    assert Event("screen", lambda: {"screen": "a\nb"}).encode() == b'event: screen\ndata: {"screen":"a\\nb"}\n\n'


async def test_of_a_growing_message_only_the_newest_state_waits() -> None:
    hub = Hub()
    stream = hub.open()
    hub.publish(("message", 0), event("old"))
    hub.publish("status", event("status"))
    hub.publish(("message", 0), event("new"))
    assert [(await stream.next(1)).name for _ in range(2)] == ["new", "status"]  # type: ignore[union-attr]
    assert await stream.next(0.01) is None


async def test_client_that_does_not_read_is_dropped_when_its_buffer_is_full() -> None:
    hub = Hub()
    slow, quick = hub.open(limit=3), hub.open(limit=3)
    for number in range(4):
        hub.publish(number, event(str(number)))
        assert await quick.next(1)
    with pytest.raises(TooSlowError):
        await slow.next(1)


async def test_closed_stream_gets_nothing_more() -> None:
    hub = Hub()
    stream = hub.open()
    hub.close(stream)
    hub.publish("status", event("status"))
    assert await stream.next(0.01) is None
