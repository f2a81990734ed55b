"""The client of taskyard-init's socket goes on for as long as it takes: an hour passes here in no time."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import pytest

from taskyard.sidecar.init import client, frames
from taskyard.sidecar.init.client import AgentClient
from unit.virtual_time import gaps, in_no_time, now

HELLO = struct.pack(">BIBB16sHHQI", 1, 34, 1, 1, bytes(16), 80, 24, 0, 0)
FAILURES = 2000


class Receiver:
    """Waits for the second greeting, since only the first try after a greeting tells whether the delays begin anew."""

    def __init__(self) -> None:
        self.greetings = 0
        self.greeted_twice = asyncio.Event()

    async def hello(self, hello: frames.Hello) -> None:
        self.greetings += 1
        if self.greetings == 2:
            self.greeted_twice.set()

    async def output(self, data: bytes) -> None: ...

    async def errors(self, data: bytes) -> None: ...

    async def ending(self) -> None: ...

    async def exited(self, status: int) -> None: ...

    async def lost(self) -> None: ...


@pytest.mark.parametrize("is_there", [False, True], ids=["no socket", "a socket that says nothing"])
def test_after_two_thousand_failures_it_still_connects_every_two_seconds_and_is_greeted(
    is_there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "agent.sock"
    tries: list[float] = []
    connect = asyncio.open_unix_connection

    async def agent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """taskyard-init's end of a connection, which it closes at once: at first without a greeting."""
        if len(tries) > FAILURES:
            writer.write(HELLO)
        writer.close()

    async def try_to_connect(at: str, *, limit: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        tries.append(now())
        if not path.exists() and (is_there or len(tries) > FAILURES):
            await asyncio.start_unix_server(agent, at)
        return await connect(at, limit=limit)

    async def live() -> None:
        receiver = Receiver()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(AgentClient(str(path), receiver).run())
            await receiver.greeted_twice.wait()
            running.cancel()

    monkeypatch.setattr(client.asyncio, "open_unix_connection", try_to_connect)
    in_no_time(live())
    assert gaps(tries)[:2] == pytest.approx([0.1, 0.2])
    assert gaps(tries)[FAILURES - 1 :] == pytest.approx([2.0, 0.1]), "the first again once it was greeted"
