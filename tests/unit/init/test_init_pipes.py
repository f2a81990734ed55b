"""The command with pipes instead of a terminal: its streams, its end, and its retries."""

from __future__ import annotations

import json
import re
import signal
import sys
import time

import pytest

from unit.init.client import RUNNING
from unit.init.process import Start, descendants, eventually

PIPES = ("--pipes",)
MERGED = ("--pipes", "--merge")


def test_streams_are_pipes_and_standard_error_has_frames_of_its_own(start: Start) -> None:
    running = start(
        "sh", "-c", "for f in 0 1 2; do test -p /dev/fd/$f || echo no $f; done; echo out; echo err >&2", options=PIPES
    )
    client = running.client()
    assert (client.hello.columns, client.hello.rows) == (0, 0)
    client.go()
    assert client.read_to_exit() == 0
    assert bytes(client.screen) == b"out\n"
    assert bytes(client.errors) == b"err\n"


def test_merged_streams_keep_their_order(start: Start) -> None:
    client = start("sh", "-c", "for i in 1 2 3; do echo o$i; echo e$i >&2; done; exit 3", options=MERGED).client()
    client.go()
    assert client.read_to_exit() == 3
    assert bytes(client.screen) == b"o1\ne1\no2\ne2\no3\ne3\n"


def test_input_arrives_as_it_is_and_its_end_too(start: Start) -> None:
    client = start("sh", "-c", "cat; echo over", options=PIPES).client()
    client.go(prompt="not for the input")
    payload = bytes(range(256)) * 2000
    client.type(payload)
    client.end_input()
    client.type("too late")
    assert client.read_to_exit() == 0
    assert bytes(client.screen) == payload + b"over\n"


def test_input_that_the_command_does_not_read_blocks_nothing(start: Start) -> None:
    client = start(
        "sh", "-c", "exec 0<&-; read line < /dev/null; echo ready; sleep 0.3; echo done", options=PIPES
    ).client()
    client.go()
    client.read_until("ready")
    for _ in range(20):
        client.type(b"x" * 20_000)
    assert client.read_to_exit() == 0


def test_command_is_slowed_by_a_reader_that_is_behind(start: Start) -> None:
    running = start("sh", "-c", "head -c 5000000 /dev/zero >&2; echo written", options=PIPES)
    slow = running.client(receive_buffer=4096)
    slow.go()
    eventually(lambda: running.memory() > 0, "it runs")
    time.sleep(0.5)
    assert descendants(running.pid), "it ended before its output was read"
    assert slow.read_to_exit() == 0
    assert len(slow.errors) == 5_000_000
    assert bytes(slow.screen) == b"written\n"


def test_new_client_gets_both_streams_again(start: Start) -> None:
    running = start("sh", "-c", "echo out; echo err >&2; cat", options=PIPES)
    first = running.client()
    first.go()
    first.read_until("out")
    second = running.client()
    assert (second.hello.state, second.hello.total, second.hello.replay) == (RUNNING, 4, 4)
    second.read_until("out")
    while b"err\n" not in second.errors:
        second.take()
    second.end_input()
    assert first.read_to_exit() == second.read_to_exit() == 0


def test_interrupt_reaches_the_command(start: Start) -> None:
    client = start(
        "sh", "-c", "trap 'echo interrupted; exit 7' INT; echo ready; while :; do sleep 0.05; done", options=PIPES
    ).client()
    client.go()
    client.read_until("ready")
    client.interrupt()
    assert client.read_to_exit() == 7
    assert b"interrupted" in client.screen


def test_variables_of_a_terminal_are_not_set(start: Start) -> None:
    client = start(
        sys.executable,
        "-c",
        "import os, json; print(json.dumps(dict(os.environ)))",
        options=PIPES,
        environment={"TERM": ""},
    ).client()
    client.go({"A": "b"}, prompt="do it")
    assert client.read_to_exit() == 0
    environment = json.loads(bytes(client.screen))
    assert (environment["A"], environment["TASKYARD_TASK_PROMPT"], environment["TERM"]) == ("b", "do it", "")


def test_sigterm_stops_the_command(start: Start) -> None:
    running = start(
        "sh", "-c", "trap 'echo ending; exit 5' TERM; echo ready; while :; do sleep 0.05; done", options=PIPES
    )
    client = running.client()
    client.go()
    client.read_until("ready")
    running.signal(signal.SIGTERM)
    assert client.read_to_exit() == 5
    assert running.wait() == 5
    assert b"ending" in client.screen


RETRY = (*MERGED, "--retry-after", "0.1")


def test_failed_command_is_retried_until_it_succeeds(start: Start) -> None:
    script = "n=$(cat n 2>/dev/null || echo 0); n=$((n + 1)); echo $n > n; echo attempt $n; test $n = 3"
    running = start(
        "sh", "-c", f"cd $FOLDER; {script}", options=(*RETRY, "--retries", "5"), environment={"FOLDER": "."}
    )
    client = running.client()
    client.go({"FOLDER": str(running.socket.parent)})
    begun = time.monotonic()
    assert client.read_to_exit() == 0
    assert running.wait() == 0
    assert time.monotonic() - begun >= 0.3, "the second wait was not twice the first"
    said = re.sub(r"\n+", "\n", bytes(client.screen).decode())
    assert said == (
        "attempt 1\n[taskyard: ended with status 1; retry 1 of 5 in 0.1 s]\n"
        "attempt 2\n[taskyard: ended with status 1; retry 2 of 5 in 0.2 s]\n"
        "attempt 3\n"
    )


def test_last_attempt_gives_the_status(start: Start) -> None:
    running = start("sh", "-c", "exit 9", options=(*RETRY, "--retries", "2"))
    client = running.client()
    client.go()
    assert client.read_to_exit() == 9
    assert client.screen.count(b"retry") == 2


def test_what_an_attempt_left_behind_is_killed_before_the_next(start: Start) -> None:
    running = start("sh", "-c", "sleep 60 & echo $!; exit 1", options=(*PIPES, "--retries", "1", "--retry-after", "30"))
    client = running.client()
    client.go()
    client.read_until("retry")
    eventually(lambda: not descendants(running.pid), "the job is gone")
    assert running.state() == RUNNING, "it counts as ended between two attempts"


def test_stop_between_two_attempts_ends_at_once(start: Start) -> None:
    running = start("sh", "-c", "exit 4", options=(*PIPES, "--retries", "1", "--retry-after", "30"))
    client = running.client()
    client.go()
    client.read_until("retry")
    running.signal(signal.SIGTERM)
    assert client.read_to_exit() == 4
    assert running.wait(2) == 4


def test_in_a_terminal_the_end_of_input_does_nothing_and_an_interrupt_works(start: Start) -> None:
    client = start(
        "sh", "-c", "trap 'echo interrupted' INT; echo ready; while ! read line; do :; done; echo got $line"
    ).client()
    client.go()
    client.read_until("ready")
    client.end_input()
    client.interrupt()
    client.read_until("interrupted")
    client.type("word\r")
    client.read_until("got word")


@pytest.mark.parametrize("frame_type", [pytest.param(8, id="end of input"), pytest.param(9, id="interrupt")])
def test_frames_without_payload_have_none(start: Start, frame_type: int) -> None:
    client = start("cat", options=PIPES).client()
    client.go()
    client.send(frame_type, b"x")
    assert client.is_closed()
