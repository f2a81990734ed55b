"""One connection to a sidecar, for any number of listeners."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from taskyard.gateway.rest.streams.agent_messages import AgentMessageStreams, PodAddress
from taskyard.sidecarclient import UnreachableError

HELLO = '{"id":0,"role":"user","message":"hello","time":""}'
PLACE = PodAddress(start=1, ip="192.0.2.1", pod_uid="pod")


class Sidecar:
    """Counts its connections, and says hello on each."""

    def __init__(self, *, faults: int = 0) -> None:
        self.open = self.opened = 0
        self._faults = faults

    async def events(self, ip: str, pod_uid: str) -> AsyncIterator[tuple[str, str]]:
        self.opened += 1
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
