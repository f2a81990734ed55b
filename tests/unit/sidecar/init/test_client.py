"""The client of taskyard-init's socket goes on for as long as it takes: an hour passes here in no time."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from taskyard.sidecar.init import client, frames
from taskyard.sidecar.init.client import AgentClient, LostError
from unit.virtual_time import gaps, in_no_time, now


def hello(version: int, instance: int = 0, state: int = frames.State.RUNNING) -> bytes:
    return struct.pack(">BIBB16sHHQI", 1, 34, version, state, bytes([instance]) * 16, 80, 24, 0, 0)


HELLO = hello(1) + hello(2)
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

    async def terminal_state(self, state: frames.TerminalState) -> None: ...

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
    connect = client.connect

    async def agent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """taskyard-init's end of a connection, which it closes at once: at first without a greeting."""
        if len(tries) > FAILURES:
            writer.write(HELLO)
        writer.close()

    async def try_to_connect(at: str) -> socket.socket:
        tries.append(now())
        if not path.exists() and (is_there or len(tries) > FAILURES):
            await asyncio.start_unix_server(agent, at)
        return await connect(at)

    async def live() -> None:
        receiver = Receiver()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(AgentClient(str(path), receiver).run())
            await receiver.greeted_twice.wait()
            running.cancel()

    monkeypatch.setattr(client, "connect", try_to_connect)
    in_no_time(live())
    assert gaps(tries)[:2] == pytest.approx([0.1, 0.2])
    assert gaps(tries)[FAILURES - 1 :] == pytest.approx([2.0, 0.1]), "the first again once it was greeted"


class Init:
    """taskyard-init's end of the socket, which writes without any help of the event loop."""

    def __init__(self, path: Path) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()

    async def __aenter__(self) -> Init:
        self._connection, _ = await asyncio.to_thread(self._listening.accept)
        self.send(HELLO)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        self._listening.close()

    def close(self) -> None:
        self._connection.close()

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)


class SlowReceiver(Receiver):
    """Takes its time with output, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.began = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.taken = asyncio.Event()
        self.outputs = 0
        self.exits: list[int] = []
        self.losses = 0

    async def output(self, data: bytes) -> None:
        self.began.set()
        await self.goes_on.wait()
        self.taken.set()
        self.outputs += 1

    async def exited(self, status: int) -> None:
        self.exits.append(status)

    async def lost(self) -> None:
        self.losses += 1


OUTPUT = struct.pack(">BI", frames.Type.OUTPUT, 5) + b"hello"


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[tuple[AgentClient, SlowReceiver, Init]]:
    receiver = SlowReceiver()
    init = Init(folder / "agent.sock")
    agent = AgentClient(str(folder / "agent.sock"), receiver)
    running = asyncio.create_task(agent.run())
    try:
        async with asyncio.timeout(20), init:
            await until(lambda: bool(receiver.greetings) and agent.drained)
            yield agent, receiver, init
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_without_a_connection_nothing_waits(tmp_path: Path) -> None:
    assert AgentClient(str(tmp_path / "agent.sock"), Receiver()).drained


async def test_bytes_in_the_socket_wait_though_the_event_loop_has_not_seen_them(tmp_path: Path) -> None:
    async with connected(tmp_path) as (agent, receiver, init):
        init.send(OUTPUT)
        assert not agent.drained
        receiver.goes_on.set()
        await receiver.taken.wait()
        await until(lambda: agent.drained)


async def test_output_waits_until_the_receiver_has_taken_it(tmp_path: Path) -> None:
    async with connected(tmp_path) as (agent, receiver, init):
        init.send(OUTPUT)
        await receiver.began.wait()
        assert not agent.drained
        receiver.goes_on.set()
        await until(lambda: agent.drained)


async def test_output_waits_though_the_connection_has_broken_meanwhile(tmp_path: Path) -> None:
    async with connected(tmp_path) as (agent, receiver, init):
        init.send(OUTPUT)
        await receiver.began.wait()
        init.close()
        await asyncio.sleep(0.01)
        assert not agent.drained
        receiver.goes_on.set()
        await until(lambda: agent.drained)


async def test_half_a_frame_waits_for_its_rest(tmp_path: Path) -> None:
    async with connected(tmp_path) as (agent, receiver, init):
        receiver.goes_on.set()
        init.send(OUTPUT[:7])
        for _ in range(5):
            await asyncio.sleep(0.01)
            assert not agent.drained
        init.send(OUTPUT[7:])
        await receiver.taken.wait()
        await until(lambda: agent.drained)


# ---- Versions of the protocol ----

CLIENTS_HELLO = frames.encode(frames.Type.HELLO, b"\2")
STATE = frames.TerminalState(frames.Foreground.OWN, "cat", True, True, frames.Reader.YES)
TERMINAL = struct.pack(">BI", frames.Type.TERMINAL, 7) + b"\0\1\1\1cat"
EXIT = struct.pack(">BII", frames.Type.EXIT, 4, 0)


class Log(Receiver):
    """What a receiver gets, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[object] = []

    async def hello(self, hello: frames.Hello) -> None:
        self.got.append((hello.version, hello.instance[:2]))

    async def output(self, data: bytes) -> None:
        self.got.append(data)

    async def terminal_state(self, state: frames.TerminalState) -> None:
        self.got.append(state)

    async def exited(self, status: int) -> None:
        self.got.append(status)

    async def lost(self) -> None:
        self.got.append("lost")


class Connection:
    """The other end of one connection of the client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def hears(self, patience: float = 10.0) -> bytes:
        """The next bytes that the client sends; empty when it sends none in that time."""
        try:
            async with asyncio.timeout(patience):
                return await self._reader.read(1000)
        except TimeoutError:
            return b""

    async def says(self, *frames: bytes) -> None:
        self._writer.write(b"".join(frames))
        await self._writer.drain()

    def drops(self) -> None:
        self._writer.close()


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[Log, asyncio.Queue[Connection]]]:
    """A client whose connections come one after the other, and what its receiver gets."""
    connections: asyncio.Queue[Connection] = asyncio.Queue()
    log = Log()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await connections.put(Connection(reader, writer))

    path = str(folder / "agent.sock")
    async with asyncio.timeout(30), await asyncio.start_unix_server(accept, path):
        running = asyncio.create_task(AgentClient(path, log).run())
        try:
            yield log, connections
        finally:
            running.cancel()
            await asyncio.wait({running})


async def lost_after(connection: AgentClient) -> str:
    """What a Ctrl-C is answered with that nobody takes."""
    with pytest.raises(LostError) as refusal:
        await connection.interrupt()
    return str(refusal.value)


async def test_a_write_that_fails_loses_nothing_of_what_taskyard_init_said_before_its_end(tmp_path: Path) -> None:
    async with connected(tmp_path) as (agent, receiver, init):
        init.send(OUTPUT)
        await receiver.began.wait()
        init.send(OUTPUT * 10 + EXIT)
        init.close()
        assert "Broken pipe" in await lost_after(agent)
        assert "Broken pipe" in await lost_after(agent), "the next one too"
        receiver.goes_on.set()
        await until(lambda: receiver.exits == [0])
        assert receiver.outputs == 11
        await until(lambda: receiver.losses == 1)
        assert await lost_after(agent) == "no connection to the agent"


async def test_unread_requests_reset_the_connection_and_lose_nothing_either(tmp_path: Path) -> None:
    """The kernel tells of a reset, instead of an end, when the other side closes with something left to read."""
    async with connected(tmp_path) as (agent, receiver, init):
        await agent.interrupt()
        init.send(OUTPUT)
        await receiver.began.wait()
        init.send(OUTPUT + EXIT)
        init.close()
        assert "agent accepts no input" in await lost_after(agent)
        receiver.goes_on.set()
        await until(lambda: receiver.exits == [0])
        assert receiver.outputs == 2


async def test_input_that_nobody_takes_in_time_ends_the_connection_after_what_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a frame may have been sent, so that nothing can follow it there; a new connection begins at a frame."""
    monkeypatch.setattr(client, "SEND_TIMEOUT", 0.2)
    async with connected(tmp_path) as (agent, receiver, init):
        init.send(OUTPUT)
        await receiver.began.wait()
        with pytest.raises(LostError, match="timed out"):
            await agent.input(b"x" * (8 << 20))
        receiver.goes_on.set()
        await until(lambda: receiver.losses == 1)
        assert receiver.outputs == 1


async def test_a_sender_that_gives_up_half_way_leaves_no_half_of_a_frame_before_the_next_one(tmp_path: Path) -> None:
    async with connected(tmp_path) as (agent, receiver, init):
        receiver.goes_on.set()
        sending = asyncio.create_task(agent.input(b"x" * (8 << 20)))
        await asyncio.sleep(0.1)
        assert not sending.done()
        sending.cancel()
        await asyncio.wait({sending})
        assert sending.cancelled()
        await until(lambda: receiver.losses == 1)
        assert await lost_after(agent) == "no connection to the agent"
        init.close()


async def test_the_stream_of_version_2_is_passed_on_and_nothing_of_what_came_before_it(tmp_path: Path) -> None:
    async with served(tmp_path) as (log, connections):
        init = await connections.get()
        assert await init.hears() == CLIENTS_HELLO
        await init.says(hello(1), OUTPUT, OUTPUT)
        await asyncio.sleep(0.1)
        assert log.got == []
        await init.says(hello(2), OUTPUT, TERMINAL)
        await until(lambda: len(log.got) == 3)
        assert log.got == [(2, "00"), b"hello", STATE]


async def test_an_old_taskyard_init_gets_a_client_that_says_nothing(tmp_path: Path) -> None:
    """It drops a client that says hello, with or without an error; its output is passed on once."""
    async with served(tmp_path) as (log, connections):
        refusing = await connections.get()
        await refusing.says(hello(1), OUTPUT)
        refusing.drops()
        old = await connections.get()
        await old.says(hello(1), OUTPUT)
        await until(lambda: len(log.got) == 2)
        assert await old.hears(0.2) == b""
        assert log.got == [(1, "00"), b"hello"]


async def test_after_a_loss_the_client_says_hello_again(tmp_path: Path) -> None:
    async with served(tmp_path) as (log, connections):
        refusing = await connections.get()
        await refusing.says(hello(1))
        refusing.drops()
        old = await connections.get()
        await old.says(hello(1))
        await until(lambda: len(log.got) == 1)
        old.drops()
        new = await connections.get()
        assert await new.hears() == CLIENTS_HELLO
        await new.says(hello(1, 7), hello(2, 7))
        await until(lambda: len(log.got) == 3)
        assert log.got == [(1, "00"), "lost", (2, "07")]


async def test_another_run_of_taskyard_init_is_asked_for_version_2_again(tmp_path: Path) -> None:
    """The run that closed the connection did so at its end; the next one is no older for that."""
    async with served(tmp_path) as (log, connections):
        ending = await connections.get()
        await ending.says(hello(1, 1))
        ending.drops()
        next_run = await connections.get()
        await next_run.says(hello(1, 2), OUTPUT)
        again = await connections.get()
        assert await again.hears() == CLIENTS_HELLO
        await again.says(hello(1, 2), hello(2, 2), OUTPUT)
        await until(lambda: b"hello" in log.got)
        assert [each for each in log.got if each != "lost"] == [(2, "02"), b"hello"]


async def test_a_connection_that_ends_before_any_hello_says_nothing_about_the_version(tmp_path: Path) -> None:
    """taskyard-init serves 32 clients and closes the connections of more."""
    async with served(tmp_path) as (_log, connections):
        (await connections.get()).drops()
        assert await (await connections.get()).hears() == CLIENTS_HELLO


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to hold within 20 s")
