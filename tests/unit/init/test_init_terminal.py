"""The terminal: size, input, large pastes, programs that close it."""

from __future__ import annotations

import hashlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from unit.init.client import RUNNING, Client
from unit.init.process import Start, descendants, eventually

# Reads a given number of bytes in raw mode, then prints their hash.
RAW_READER = (
    "import sys, tty, hashlib, time\n"
    "tty.setraw(0)\n"
    "print('ready', flush=True)\n"
    "time.sleep(float(sys.argv[2]))\n"
    "left, digest = int(sys.argv[1]), hashlib.sha256()\n"
    "while left:\n"
    "    part = sys.stdin.buffer.raw.read(min(left, 65536))\n"
    "    digest.update(part); left -= len(part)\n"
    "print('sum', digest.hexdigest(), flush=True)\n"
)


def test_typed_text_is_echoed_and_read(start: Start) -> None:
    running = start("cat")
    client, watcher = running.client(), running.client()
    client.go()
    client.type("hällo\r")
    for each in (client, watcher):
        assert each.read_until("hällo\r\nhällo\r\n") == "hällo\r\nhällo\r\n".encode()


def test_control_c_interrupts_and_control_d_ends(start: Start) -> None:
    running = start("sh", "-c", "trap 'echo interrupted' INT; echo up; sleep 100; cat; exit 5")
    client = running.client()
    client.go()
    client.read_until("up")
    time.sleep(0.1)
    client.type("\x03")
    client.read_until("interrupted")
    client.type("x\r")
    client.read_until("x\r\nx\r\n")
    client.type("\x04")
    assert client.read_to_exit() == 5


def test_the_command_leads_a_session_with_a_controlling_terminal(start: Start) -> None:
    script = (
        "import os\n"
        "print(os.getsid(0) == os.getpid() == os.getpgrp() == os.tcgetpgrp(0), os.isatty(0), os.isatty(1),"
        " os.isatty(2), os.ttyname(0) == os.ttyname(2), bool(os.open('/dev/tty', os.O_RDWR)))"
    )
    running = start(sys.executable, "-c", script)
    client = running.client()
    client.go()
    assert client.read_to_exit() == 0
    assert client.screen == b"True True True True True True\r\n"


def test_resize_reaches_the_program(start: Start) -> None:
    script = (
        "import os, signal, time\n"
        "show = lambda *_: print(*os.get_terminal_size(), flush=True)\n"
        "signal.signal(signal.SIGWINCH, show)\n"
        "show()\n"
        "while True: time.sleep(1)"
    )
    running = start(sys.executable, "-c", script, options=("--tty=100x40",))
    client = running.client()
    client.go()
    client.read_until("100 40\r\n")
    client.resize(65535, 65535)
    client.read_until("65535 65535\r\n")
    client.resize(120, 50)
    client.read_until("120 50\r\n")
    later = running.client().hello
    assert (later.columns, later.rows) == (120, 50)


def test_a_large_paste_arrives_whole(start: Start) -> None:
    paste = bytes(range(256)) * 12_000  # 3 MiB in six frames
    running = start(sys.executable, "-c", RAW_READER, str(len(paste)), "0")
    client = running.client()
    client.go()
    client.read_until("ready")
    for at in range(0, len(paste), 512_000):
        client.type(paste[at : at + 512_000])
    client.read_until("sum " + hashlib.sha256(paste).hexdigest())


def test_a_paste_waits_for_a_program_that_does_not_read_yet(start: Start) -> None:
    paste = b"0123456789" * 100_000
    running = start(sys.executable, "-c", RAW_READER, str(len(paste) + 4), "1")
    client = running.client()
    client.go()
    client.read_until("ready")
    before = running.memory()
    sender = Client(running.socket)
    sender.type(paste)
    sender.type("last")
    sender.close()  # what it sent is delivered anyway
    assert running.memory() - before < 3072
    client.read_until("sum " + hashlib.sha256(paste + b"last").hexdigest())


def test_frames_of_two_senders_do_not_mix(start: Start) -> None:
    size, count = 50_000, 8
    running = start(
        sys.executable,
        "-c",
        "import sys, tty\n"
        "tty.setraw(0)\n"
        "print('ready', flush=True)\n"
        "left, text = int(sys.argv[1]), b''\n"
        "while len(text) < left: text += sys.stdin.buffer.raw.read(65536)\n"
        "runs = [text[at:at + 50000] for at in range(0, left, 50000)]\n"
        "print('mixed', sum(len(set(run)) != 1 for run in runs), flush=True)\n",
        str(2 * size * count),
    )
    client, other = running.client(), running.client()
    client.go()
    client.read_until("ready")

    def paste(sender: Client, letter: str) -> None:
        for _ in range(count):
            sender.type(letter * size)

    with ThreadPoolExecutor() as together:
        for sending in [together.submit(paste, client, "a"), together.submit(paste, other, "b")]:
            sending.result()
    client.read_until("mixed 0")


@pytest.mark.parametrize("program", ["asan"], indirect=True)  # takes five seconds
def test_input_of_a_client_that_left_does_not_block_others_for_long(start: Start) -> None:
    """Nothing reads the input: the place of the client that left is free again after five seconds."""
    running = start("sh", "-c", "stty raw -echo; echo ready; exec sleep 100")
    client = running.client()
    client.go()
    client.read_until("ready")
    sender = Client(running.socket)
    sender.type(b"x" * 500_000)
    sender.close()
    eventually(lambda: "its input was not taken for 5 s" in running.said(), "dropped", patience=8)
    assert running.state() == RUNNING


def test_a_program_that_closes_its_terminal_costs_nothing(start: Start) -> None:
    running = start("sh", "-c", "echo bye; exec sleep 1 <&- >&- 2>&-")
    client = running.client()
    client.go()
    client.read_until("bye")
    client.type("nobody reads this\r")
    before = processor_time(running.pid)
    time.sleep(0.6)
    assert processor_time(running.pid) - before < 0.1
    assert client.read_to_exit() == 0


def test_waiting_costs_nothing(start: Start) -> None:
    running = start("cat")
    clients = [running.client() for _ in range(3)]
    clients[0].go()
    eventually(lambda: descendants(running.pid) != [], "the command runs")
    time.sleep(0.1)
    before = processor_time(running.pid)
    time.sleep(0.5)
    assert processor_time(running.pid) - before <= 0.01


def processor_time(pid: int) -> float:
    """Seconds of processor time that the process has used."""
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
