"""The handshake: nothing starts before go, and the command gets what go carries."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import pytest

from unit.init.client import GO, RUNNING, WAITING, Client, frame, go_payload
from unit.init.process import Start, descendants, eventually


def test_the_hello_comes_first_and_describes_the_run(start: Start) -> None:
    running = start("cat", options=("--tty", "81x1001"))
    first, second = running.client().hello, running.client().hello
    assert (first.version, first.state, first.columns, first.rows) == (1, WAITING, 81, 1001)
    assert (first.total, first.replay) == (0, 0)
    assert first.instance == second.instance != bytes(16)


def test_nothing_starts_before_go(start: Start, run_dir: Path) -> None:
    running = start("touch", str(run_dir / "started"))
    client = running.client()
    assert client.hello.state == WAITING
    client.type("typed too early\r")
    time.sleep(0.3)
    assert not (run_dir / "started").exists()
    assert descendants(running.pid) == []
    client.go()
    assert client.read_to_exit() == 0
    assert (run_dir / "started").exists()
    assert b"too early" not in client.screen


def test_environment_and_prompt_reach_the_command(start: Start, run_dir: Path) -> None:
    prompt = "fix the bug: naïve 'quotes' \"$HOME\" `x`\nsecond line\n"
    running = start(
        "sh",
        "-c",
        'printf "%s|%s|%s|%s|" "$FROM_POD" "$BOTH" "$FROM_GO" "$TERM"; printf "%s" "$TASKYARD_TASK_PROMPT" > seen;'
        'test "$TASKYARD_TASK_PROMPT" = "$CODER_TASK_PROMPT"',
        environment={"FROM_POD": "pod", "BOTH": "pod", "TERM": "vt100"},
        prefix=("env", "-C", str(run_dir)),
    )
    client = running.client()
    client.go({"BOTH": "go", "FROM_GO": "a=b c"}, prompt)
    assert client.read_to_exit() == 0
    assert bytes(client.screen) == b"pod|go|a=b c|vt100|"
    assert (run_dir / "seen").read_text() == prompt


def test_term_has_a_default_unless_it_is_given(start: Start) -> None:
    running = start("sh", "-c", "echo $TERM", prefix=("env", "-u", "TERM"))
    client = running.client()
    client.go()
    client.read_to_exit()
    assert client.screen == b"xterm-256color\r\n"


@pytest.mark.parametrize("place", [pytest.param(p, id=p) for p in ("in the pod", "in go")])
def test_the_prompt_file_holds_the_prompt_and_is_private(start: Start, run_dir: Path, place: str) -> None:
    path = run_dir / "prompt.txt"
    variable = {"TASKYARD_TASK_PROMPT_FILE": str(path)}
    running = start("cat", str(path), environment=variable if place == "in the pod" else {})
    client = running.client()
    client.go(variable if place == "in go" else {}, "hello\nthere")
    assert client.read_to_exit() == 0
    assert client.screen == b"hello\r\nthere"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(p.name for p in run_dir.iterdir() if p.name.startswith("prompt")) == ["prompt.txt"]


def test_the_prompt_file_replaces_a_link_and_does_not_follow_it(start: Start, run_dir: Path) -> None:
    (run_dir / "victim").write_text("untouched")
    path = run_dir / "prompt.txt"
    path.symlink_to(run_dir / "victim")
    running = start("true", environment={"TASKYARD_TASK_PROMPT_FILE": str(path)})
    client = running.client()
    client.go({}, "new")
    assert client.read_to_exit() == 0
    assert (run_dir / "victim").read_text() == "untouched"
    assert path.read_text() == "new"
    assert not path.is_symlink()


def test_a_prompt_file_that_cannot_be_written_ends_the_run_with_the_cause(start: Start, run_dir: Path) -> None:
    path = run_dir / "missing" / "prompt.txt"
    running = start("true", environment={"TASKYARD_TASK_PROMPT_FILE": str(path)})
    client = running.client()
    client.go({}, "new")
    assert client.read_to_exit() == 125
    assert running.wait() == 125
    assert f"cannot write the prompt file {path}: No such file or directory" in running.said()


@pytest.mark.parametrize(
    ("size", "in_variable"),
    [
        pytest.param(0, True, id="empty"),
        pytest.param(120_000, True, id="largest for a variable"),
        pytest.param(120_001, False, id="too large for a variable"),
        pytest.param(1_000_000, False, id="nearly a whole frame"),
    ],
)
def test_prompts_of_any_size(start: Start, run_dir: Path, size: int, in_variable: bool) -> None:
    path = run_dir / "prompt.txt"
    running = start(
        "sh",
        "-c",
        'echo "${TASKYARD_TASK_PROMPT+set} ${#TASKYARD_TASK_PROMPT} $(wc -c < "$TASKYARD_TASK_PROMPT_FILE")"',
        environment={"TASKYARD_TASK_PROMPT_FILE": str(path), "TASKYARD_TASK_PROMPT": "of the image"},
    )
    client = running.client()
    client.go({}, "p" * size)
    assert client.read_to_exit() == 0
    assert client.screen.decode().split() == (["set", str(size), str(size)] if in_variable else ["0", str(size)])
    assert path.read_text() == "p" * size


def test_a_prompt_with_a_nul_is_in_the_file_only(start: Start, run_dir: Path) -> None:
    path = run_dir / "prompt.txt"
    running = start(
        "sh", "-c", 'echo "${TASKYARD_TASK_PROMPT-unset}"', environment={"TASKYARD_TASK_PROMPT_FILE": str(path)}
    )
    client = running.client()
    client.go({}, b"one\0two")
    assert client.read_to_exit() == 0
    assert client.screen == b"unset\r\n"
    assert path.read_bytes() == b"one\0two"


def test_a_second_go_is_ignored(start: Start, run_dir: Path) -> None:
    path = run_dir / "prompt.txt"
    running = start(
        "sh",
        "-c",
        'echo run >> count; read line; echo "$TASKYARD_TASK_PROMPT and $line"',
        environment={"TASKYARD_TASK_PROMPT_FILE": str(path)},
        prefix=("env", "-C", str(run_dir)),
    )
    client, other = running.client(), running.client()
    assert other.hello.state == WAITING
    client.go({}, "first")
    client.go({}, "second")
    eventually(lambda: running.state() == RUNNING, "the first go is taken")
    other.go({}, "third")
    client.type("typed\r")
    client.read_until("first and typed")
    assert client.read_to_exit() == 0
    assert (run_dir / "count").read_text() == "run\n"
    assert path.read_text() == "first"


def test_a_go_in_many_small_pieces(start: Start) -> None:
    running = start("sh", "-c", 'echo "$A-$TASKYARD_TASK_PROMPT"')
    client = running.client()
    for byte in frame(GO, go_payload({"A": "a"}, "prompt")):
        client.socket.sendall(bytes([byte]))
        time.sleep(0.001)
    client.read_until("a-prompt")
    assert client.read_to_exit() == 0


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"A=b\0", id="without an end of the environment"),
        pytest.param(b"A=b", id="without a NUL"),
        pytest.param(b"=b\0\0", id="without a name"),
        pytest.param(b"A\0\0", id="without a value"),
    ],
)
def test_a_malformed_go_starts_nothing_and_drops_its_sender(start: Start, payload: bytes) -> None:
    running = start("echo", "started")
    client, other = running.client(), running.client()
    client.send(GO, payload)
    assert client.is_closed()
    assert other.hello.state == WAITING
    assert descendants(running.pid) == []
    other.go()
    assert other.read_to_exit() == 0


def test_sigterm_before_go_ends_at_once(start: Start) -> None:
    running = start("sleep", "100")
    client = running.client()
    assert client.hello.state == WAITING
    begun = time.monotonic()
    running.signal(signal.SIGTERM)
    assert running.wait() == 143
    assert time.monotonic() - begun < 1
    assert client.is_closed()
    assert not running.socket.exists()


def test_the_socket_is_open_to_every_user_and_replaces_an_old_one(start: Start, run_dir: Path) -> None:
    first = start("sleep", "100", umask=0o077)
    assert stat.S_IMODE(first.socket.stat().st_mode) == 0o666
    instance = first.client().hello.instance
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert first.socket.exists()
    second = start("sh", "-c", "umask", umask=0o027)
    client = second.client()
    assert client.hello.instance != instance
    client.go()
    assert client.read_to_exit() == 0
    assert client.screen == b"0027\r\n"


def test_a_hello_while_the_command_runs_says_so(start: Start) -> None:
    running = start("cat")
    running.client().go()
    client = running.client()
    client.type("x\r")
    client.read_until("x\r\nx\r\n")
    later = running.client().hello
    assert (later.state, later.total, later.replay) == (RUNNING, 6, 6)


def test_resize_before_go_sets_the_starting_size(start: Start) -> None:
    running = start("stty", "size")
    client = running.client()
    client.resize(132, 43)
    client.go()
    assert client.read_to_exit() == 0
    assert client.screen == b"43 132\r\n"


def test_a_client_need_not_stay_after_go(start: Start, run_dir: Path) -> None:
    running = start("touch", str(run_dir / "started"))
    client = Client(running.socket)
    client.go()
    client.close()
    assert running.wait() == 0
    assert (run_dir / "started").exists()
