"""One connection to a sidecar, for any number of listeners."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from taskyard.gateway.rest.streams.agent_messages import (
    ALL_KEPT_BYTES,
    KEPT_BYTES,
    AgentMessages,
    AgentMessageStreams,
    PodAddress,
    pod_address_of,
)
from taskyard.sidecarclient import UnreachableError
from unit.core.builders import owned_by_tekton
from unit.gateway.rest.objects import Object, cache_with, pod, reserved, task
from unit.virtual_time import gaps, in_no_time, now

HELLO = '{"id":0,"role":"user","message":"hello","time":""}'
PLACE = PodAddress(start=1, ip="192.0.2.1", pod_uid="pod")


class Sidecar:
    """Counts its connections, and says hello on each."""

    def __init__(self, *, faults: int = 0) -> None:
        self.open = 0
        self.opened_at: list[float] = []
        self._faults = faults

    @property
    def opened(self) -> int:
        return len(self.opened_at)

    async def events(self, ip: str, pod_uid: str) -> AsyncIterator[tuple[str, str]]:
        self.opened_at.append(now())
        if self.opened <= self._faults:
            raise UnreachableError("no route to host")
        self.open += 1
        try:
            yield "message_update", HELLO
            await asyncio.Event().wait()
        finally:
            self.open -= 1


async def test_many_listeners_have_one_connection_which_ends_with_the_last_of_them() -> None:
    sidecar = Sidecar()
    dialogues = AgentMessageStreams(sidecar.events)
    heard = [asyncio.Event() for _ in range(5)]
    with contextlib.ExitStack() as all_of_them:
        opened = [all_of_them.enter_context(dialogues.of(PLACE, event.set)) for event in heard]
        async with asyncio.timeout(5):
            for event in heard:
                await event.wait()
        assert (sidecar.opened, len(dialogues)) == (1, 1)
        assert {len(list(dialogue.since(0))) for dialogue in opened} == {1}
    async with asyncio.timeout(5):
        while sidecar.open:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    assert len(dialogues) == 0


async def test_a_later_listener_receives_the_earlier_messages() -> None:
    dialogues = AgentMessageStreams(Sidecar().events)
    first = asyncio.Event()
    with dialogues.of(PLACE, first.set):
        async with asyncio.timeout(5):
            await first.wait()
        with dialogues.of(PLACE, lambda: None) as dialogue:
            assert [entry.number for entry in dialogue.since(0)] == [0]


async def test_a_sidecar_that_cannot_be_reached_is_asked_again() -> None:
    sidecar = Sidecar(faults=1)
    heard = asyncio.Event()
    with AgentMessageStreams(sidecar.events).of(PLACE, heard.set):
        async with asyncio.timeout(10):
            await heard.wait()
    assert sidecar.opened == 2


@pytest.mark.parametrize(
    ("found", "address"),
    [
        pytest.param(pod(), PodAddress(start=1, ip="192.0.2.1", pod_uid="uid-pod-1"), id="the Pod of the newest build"),
        pytest.param(None, None, id="no Pod"),
        pytest.param(pod(2), None, id="another build's Pod"),
        pytest.param(pod(ip=""), None, id="no address yet"),
        pytest.param(owned_by_tekton(pod(), name="hello", uid="uid-hello"), None, id="a Tekton Task's Pod"),
    ],
)
def test_the_address_of_an_agent(found: Object | None, address: PodAddress | None) -> None:
    shown = task(build=reserved())
    cache = cache_with(shown)
    if found:
        cache.pods.put(found)
    assert pod_address_of(cache, shown) == address


def test_a_task_without_a_build_has_no_agent() -> None:
    assert pod_address_of(cache_with(), task()) is None


def test_after_two_thousand_failures_a_sidecar_is_still_asked_every_quarter_of_a_minute_and_heard() -> None:
    async def live() -> None:
        sidecar = Sidecar(faults=2000)
        heard = asyncio.Event()
        with AgentMessageStreams(sidecar.events).of(PLACE, heard.set) as dialogue:
            await heard.wait()
            assert [entry.number for entry in dialogue.since(0)] == [0]
        assert sidecar.opened == 2001
        assert gaps(sidecar.opened_at)[:2] == pytest.approx([1.0, 2.0])
        assert gaps(sidecar.opened_at)[-1] == pytest.approx(15.0)

    in_no_time(live())


def update(number: int, text: str) -> str:
    return json.dumps({"id": number, "role": "agent", "message": text, "time": ""})


def test_the_newest_messages_are_kept_and_counted_with_all_that_they_take() -> None:
    messages = AgentMessages(1)
    for number in range(20_000):
        messages.take("message_update", update(number, ""))
    kept = [entry.number for entry in messages.since(0)]
    assert kept == list(range(20_000 - len(kept), 20_000))
    assert len(kept) < 2000
    assert messages.bytes <= KEPT_BYTES


def test_a_message_that_would_take_all_room_for_itself_keeps_its_end() -> None:
    cuts: list[int] = []
    messages = AgentMessages(1, most=lambda: 50_000, cut=lambda: cuts.append(1))
    messages.take("message_update", update(1, "the beginning" + "x" * 100_000 + "the end"))
    [entry] = messages.since(0)
    assert len(entry.shown) < 50_000
    assert b"the end" in entry.shown
    assert b"the beginning of this message was cut off" in entry.shown
    assert cuts


def test_all_conversations_together_are_bounded_however_many_are_listened_to() -> None:
    async def live() -> None:
        count, listened = 400, asyncio.Event()

        async def talkative(ip: str, pod_uid: str) -> AsyncIterator[tuple[str, str]]:
            for number in range(4):
                yield "message_update", update(number, "x" * 200_000)
            await listened.wait()

        dialogues = AgentMessageStreams(talkative)
        with contextlib.ExitStack() as open_ones:
            for number in range(count):
                place = PodAddress(start=1, ip="192.0.2.1", pod_uid=f"pod-{number}")
                open_ones.enter_context(dialogues.of(place, lambda: None))
                await asyncio.sleep(0)
            await asyncio.sleep(1)
            assert ALL_KEPT_BYTES / 2 < dialogues.bytes <= ALL_KEPT_BYTES
        assert dialogues.bytes == 0

    in_no_time(live())
