"""Many clients, slow ones and bad ones: each is served, slowed or dropped, and the others continue."""

from __future__ import annotations

import contextlib
import os
import random
import struct
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from unit.init.client import EXIT, GO, HELLO, INPUT, INTERRUPT, OUTPUT, RESIZE, RUNNING, Client, frame, go_payload
from unit.init.process import Running, Start, eventually

REPLAY = 256 << 10
PRINT_THEN_WAIT = "import sys; sys.stdout.write(sys.argv[1] * int(sys.argv[2]) + 'end'); sys.stdout.flush(); input()"


def printed(start: Start, text: str, times: int) -> Running:
    """A run whose command has printed the text that many times, then `end`, and now waits."""
    running = start(sys.executable, "-c", PRINT_THEN_WAIT, text, str(times))
    client = running.client()
    client.go()
    client.read_until(lambda screen: screen.endswith(b"end"))
    client.close()
    return running


def test_a_later_client_sees_what_was_printed(start: Start) -> None:
    running = printed(start, "abc", 3)
    client = running.client()
    assert (client.hello.state, client.hello.total, client.hello.replay) == (RUNNING, 12, 12)
    assert client.read_until("end") == b"abcabcabcend"


def test_the_replay_holds_the_last_256_kib_and_the_count_all_of_it(start: Start) -> None:
    running = printed(start, "0123456789", 70_000)
    whole = b"0123456789" * 70_000 + b"end"
    client = running.client()
    assert (client.hello.total, client.hello.replay) == (len(whole), REPLAY)
    client.read_until(lambda screen: len(screen) >= REPLAY)
    assert bytes(client.screen) == whole[-REPLAY:]
    client.type("\r")
    assert client.read_to_exit() == 0
    assert bytes(client.screen) == whole[-REPLAY:] + b"\r\n"


def test_without_a_client_the_program_is_not_slowed(start: Start) -> None:
    running = start("sh", "-c", "head -c 3000000 /dev/zero; exit 4")
    client = Client(running.socket)
    client.go()
    client.close()
    assert running.wait() == 4


def test_output_frames_are_at_most_64_kib(start: Start) -> None:
    running = printed(start, "x", 500_000)
    client = running.client()
    assert client.hello.replay == REPLAY
    sizes = [len(client.read_frame()[1]) for _ in range(REPLAY // 65536)]
    assert sizes == [65536] * (REPLAY // 65536)


def test_a_flood_does_not_grow_memory_and_all_are_served(start: Start) -> None:
    running = start("yes", "0123456789012345678901234567890123456789")
    clients = [running.client() for _ in range(3)]
    assert all(client.hello for client in clients)
    before = running.memory()
    clients[0].go()

    def read_a_lot(client: Client) -> bytes:
        return client.read_until(lambda screen: len(screen) > 4_000_000)

    with ThreadPoolExecutor() as together:
        seen = list(together.map(read_a_lot, clients))
    size = min(len(screen) for screen in seen)
    assert seen[0][:size] == seen[1][:size] == seen[2][:size]
    assert running.memory() - before < 2048  # KiB


def test_input_gets_through_a_flood(start: Start) -> None:
    running = start("sh", "-c", "yes & read line; kill $!; echo; echo got $line; exit 3")
    client = running.client()
    client.go()
    client.read_until(lambda screen: len(screen) > 100_000)
    other = running.client()
    other.type("the line\r")
    other.close()
    assert client.read_to_exit() == 3
    assert b"got the line" in client.screen


@pytest.mark.parametrize("program", ["asan"], indirect=True)  # takes five seconds
def test_a_client_that_does_not_read_slows_the_program_then_is_dropped(start: Start) -> None:
    running = start("yes")
    lazy, reader = running.client(), running.client()
    assert lazy.hello
    before = running.memory()
    lazy.go()
    reader.read_until(lambda screen: len(screen) > 200_000)
    held, since = 0, time.monotonic()
    while time.monotonic() - since < 3:  # slowed: the reader gets a few socket buffers' worth, no more
        reader.socket.settimeout(0.2)
        try:
            reader.take()
        except TimeoutError:
            held = len(reader.screen)
            break
    assert 200_000 < held < 1_500_000
    begun = time.monotonic()
    reader.socket.settimeout(10)
    reader.read_until(lambda screen: len(screen) > held + 3_000_000)
    assert 3 < time.monotonic() - begun < 7
    assert lazy.is_closed()
    assert "it read nothing for 5 s" in running.said()
    assert running.memory() - before < 2048


@pytest.mark.parametrize("program", ["asan"], indirect=True)  # takes five seconds
def test_a_slow_reader_is_not_dropped(start: Start) -> None:
    running = start("yes")
    slow, reader = running.client(), running.client()
    slow.go()
    with ThreadPoolExecutor() as together:
        reading = together.submit(reader.read_until, lambda screen: len(screen) > 3_000_000)
        deadline = time.monotonic() + 5.5
        while time.monotonic() < deadline:
            slow.take()
            time.sleep(0.05)
        slow.read_until(lambda screen: len(screen) > 3_000_000)
        reading.result()


def test_a_lazy_client_of_a_quiet_program_stays(start: Start) -> None:
    running = printed(start, "x", 100)
    lazy = running.client()
    time.sleep(0.5)
    assert lazy.read_until("end")


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="http"),
        pytest.param(frame(0), id="type 0"),
        pytest.param(frame(HELLO, b"x" * 34), id="a hello"),
        pytest.param(frame(OUTPUT, b"x"), id="output"),
        pytest.param(frame(EXIT, bytes(4)), id="an exit"),
        pytest.param(frame(255, b"x"), id="unknown type"),
        pytest.param(struct.pack(">BI", INPUT, (1 << 20) + 1), id="input over 1 MiB"),
        pytest.param(struct.pack(">BI", GO, 0xFFFFFFFF), id="go of 4 GiB"),
        pytest.param(frame(RESIZE, b"\0\x50\0"), id="short resize"),
        pytest.param(frame(RESIZE, b"\0\x50\0\x18\0"), id="long resize"),
        pytest.param(frame(RESIZE, b"\0\0\0\x18"), id="no columns"),
        pytest.param(frame(RESIZE, b"\0\x50\0\0"), id="no rows"),
        pytest.param(os.urandom(100).replace(b"\x02", b"\xff").replace(b"\x04", b"\xff"), id="noise"),
    ],
)
def test_garbage_drops_its_sender_and_nobody_else(start: Start, garbage: bytes) -> None:
    running = start("cat")
    good, bad = running.client(), running.client()
    good.go()
    assert bad.hello
    good.type("before\r")
    good.read_until("before\r\nbefore\r\n")
    bad.socket.sendall(garbage)
    assert bad.is_closed()
    good.type("after\r")
    good.read_until("after\r\nafter\r\n")
    assert "a client was dropped" in running.said()


def test_half_a_frame_harms_nobody(start: Start) -> None:
    running = start("cat")
    good, stuck, gone = running.client(), running.client(), running.client()
    stuck.socket.sendall(frame(INPUT, b"never finished")[:9])
    gone.socket.sendall(frame(GO, go_payload({}, "never finished"))[:9])
    gone.close()
    good.go()
    good.type("fine\r")
    good.read_until("fine\r\nfine\r\n")


# A client may well interrupt the command, which ends cat.
HARMLESS = [kind for kind in range(256) if kind != INTERRUPT]


@pytest.mark.parametrize("seed", range(3))
def test_random_frames_harm_nobody_else(start: Start, seed: int) -> None:
    chance = random.Random(seed)
    running = start("sh", "-c", "stty raw -echo; echo ready; exec cat")
    good = running.client()
    good.go()
    good.read_until("ready")
    for _ in range(60):
        wild = Client(running.socket)
        with contextlib.suppress(OSError):  # the connection may be closed while this is sent
            for _ in range(chance.randrange(1, 6)):
                kind = chance.choice([GO, INPUT, INPUT, RESIZE, chance.choice(HARMLESS)])
                payload = chance.randbytes(chance.choice([0, 1, 4, 4, 40, 3000]))
                claimed = chance.choice([len(payload)] * 4 + [len(payload) + 1, 0, 0xFFFFFFFF])
                wild.socket.sendall(struct.pack(">BI", kind, claimed) + payload)
        if chance.random() < 0.5:
            time.sleep(0.001)
        wild.close()
    good.type("still here")
    good.read_until("still here")


def test_of_forty_connections_thirty_two_are_served(start: Start) -> None:
    running = start("echo", "hello")
    eventually(lambda: len(list(Path(f"/proc/{running.pid}/fd").iterdir())) <= 6, "earlier clients are gone")
    clients = [running.client() for _ in range(40)]
    served = []
    for client in clients:
        try:
            served.append(client.hello)
        except (EOFError, ConnectionResetError):
            continue
    assert len(served) == 32
    clients[31].go()
    for client in clients[:32]:
        assert client.read_to_exit() == 0
        assert client.screen == b"hello\r\n"
    assert running.wait() == 0


def test_places_are_reused(start: Start) -> None:
    running = start("cat")
    running.client().go()
    for _ in range(100):
        client = Client(running.socket)
        assert client.hello.version == 1
        client.close()
    assert running.state() == RUNNING


def test_many_clients_with_large_unfinished_frames_are_bounded(start: Start) -> None:
    running = start("cat")
    clients = [running.client() for _ in range(32)]
    before = running.memory()
    for client in clients:
        client.socket.setblocking(False)
        part = frame(INPUT, bytes(1 << 20))[:-1]
        sent = 0
        deadline = time.monotonic() + 5
        while sent < len(part) and time.monotonic() < deadline:
            try:
                sent += client.socket.send(part[sent : sent + 65536])
            except BlockingIOError:
                time.sleep(0.001)
    assert running.memory() - before < 36 << 10
    for client in clients:
        client.close()
    eventually(lambda: running.memory() - before < 8 << 10, "the memory is released")
