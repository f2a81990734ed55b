"""How the command ends, and how it is made to end."""

from __future__ import annotations

import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from unit.init.client import EXITED, Client
from unit.init.process import Start, descendants, eventually, is_gone

QUICK = ("--hangup-after", "0.3", "--kill-after", "1.0")
DEAF = "import signal, time\nfor s in (signal.SIGTERM, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)\n"


@pytest.mark.parametrize(
    ("script", "status"),
    [
        pytest.param("exit 0", 0, id="success"),
        pytest.param("exit 3", 3, id="its own status"),
        pytest.param("exit 255", 255, id="the largest status"),
        pytest.param("kill -9 $$", 137, id="killed"),
        pytest.param("kill -15 $$", 143, id="terminated"),
        pytest.param("ulimit -c 0; kill -11 $$", 139, id="segmentation fault"),
    ],
)
def test_the_exit_status_is_the_commands(start: Start, script: str, status: int) -> None:
    running = start("sh", "-c", script)
    client = running.client()
    client.go()
    assert client.read_to_exit() == status
    assert running.wait() == status
    assert not running.socket.exists()


def test_a_command_that_does_not_exist(start: Start) -> None:
    running = start("no-such-program", "x")
    client = running.client()
    client.go()
    assert client.read_to_exit() == 127
    assert running.wait() == 127
    message = "taskyard-init: cannot run no-such-program: No such file or directory (looked for in PATH)"
    assert message in running.said()
    assert message.encode() in client.screen


@pytest.mark.parametrize(
    ("content", "mode", "status", "cause"),
    [
        pytest.param("#!/bin/sh\n", 0o644, 126, "Permission denied", id="not executable"),
        pytest.param("#!/no/such/interpreter\n", 0o755, 126, "interpreter", id="interpreter missing"),
    ],
)
def test_a_command_that_cannot_be_executed(
    start: Start, run_dir: Path, content: str, mode: int, status: int, cause: str
) -> None:
    script = run_dir / "script"
    script.write_text(content)
    script.chmod(mode)
    running = start(str(script))
    client = running.client()
    client.go()
    assert client.read_to_exit() == status
    assert cause in running.said()


def test_arguments_that_are_too_large_are_reported(start: Start) -> None:
    running = start("true")
    client = running.client()
    client.go({"BIG": "x" * 200_000})
    assert client.read_to_exit() == 126
    assert "Argument list too long" in running.said()


def test_the_command_is_looked_for_in_the_path_of_go(start: Start, run_dir: Path) -> None:
    (run_dir / "bin").mkdir()
    script = run_dir / "bin" / "my-agent"
    script.write_text("#!/bin/sh\necho found\n")
    script.chmod(0o755)
    running = start("my-agent")
    client = running.client()
    client.go({"PATH": f"{run_dir}/bin:/usr/bin:/bin"})
    assert client.read_to_exit() == 0
    assert client.screen == b"found\r\n"


def test_all_output_comes_before_the_exit_frame(start: Start) -> None:
    running = start("seq", "1", "60000")
    clients = [running.client() for _ in range(3)]
    clients[0].go()
    expected = b"".join(b"%d\r\n" % n for n in range(1, 60001))
    with ThreadPoolExecutor() as together:
        assert list(together.map(Client.read_to_exit, clients)) == [0, 0, 0]
    assert all(bytes(client.screen) == expected for client in clients)


def test_output_is_complete_when_a_background_process_keeps_the_terminal(start: Start) -> None:
    running = start("sh", "-c", "trap '' HUP; sleep 30 & seq 1 500; exit 4")
    client = running.client()
    client.go()
    begun = time.monotonic()
    client.read_until("\n500\r\n")
    assert client.read_to_exit() == 4
    assert running.wait() == 4
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("program", ["asan"], indirect=True)  # takes two seconds
def test_a_client_that_connects_at_the_end_gets_output_and_status(start: Start) -> None:
    """A client that does not read keeps the end open for two seconds."""
    running = start("sh", "-c", "head -c 200000 /dev/zero; exit 9")
    running.client().go()
    eventually(lambda: running.state() == EXITED, "the command has ended")
    late = running.client()
    assert late.hello.replay == 200_000
    assert late.read_to_exit() == 9
    assert len(late.screen) == 200_000
    assert running.wait() == 9


@pytest.mark.parametrize("program", ["asan"], indirect=True)  # takes two seconds
def test_the_end_does_not_wait_long_for_a_client_that_does_not_read(start: Start) -> None:
    running = start("sh", "-c", "head -c 250000 /dev/zero; exit 5")
    lazy, reader = running.client(), running.client()
    lazy.go()
    assert reader.read_to_exit() == 5
    begun = time.monotonic()
    assert running.wait() == 5
    assert time.monotonic() - begun < 3


# ---- Shutdown


def test_sigterm_reaches_the_command_after_all_clients_were_told(start: Start, tmp_path: Path) -> None:
    may_end = tmp_path / "may-end"
    farewell = f"echo got it; while ! test -e {may_end}; do sleep 0.05; done; exit 7"
    running = start("sh", "-c", f"trap '{farewell}' TERM; echo ready; while :; do sleep 0.05; done")
    client = running.client()
    client.go()
    client.read_until("ready")
    assert not client.ending
    running.signal(signal.SIGTERM)
    client.read_until(lambda _: client.ending)
    assert b"got it" not in client.screen, "the shutdown output came before the ending frame"
    late = running.client()
    late.read_until(lambda _: late.ending)
    may_end.touch()
    assert client.read_to_exit() == 7
    assert b"got it" in client.screen
    assert late.read_to_exit() == 7


def test_a_command_that_ends_by_itself_was_not_asked_to(start: Start) -> None:
    client = start("echo", "done").client()
    client.go()
    assert client.read_to_exit() == 0
    assert not client.ending


@pytest.mark.parametrize("number", [pytest.param(n, id=n.name) for n in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)])
def test_other_stop_signals_mean_the_same(start: Start, number: signal.Signals) -> None:
    running = start("sleep", "100")
    client = running.client()
    client.go()
    eventually(lambda: descendants(running.pid) != [], "the command runs")
    time.sleep(0.1)
    running.signal(number)
    assert client.read_to_exit() == 143
    assert running.wait() == 143


def test_an_interactive_shell_ignores_sigterm_and_ends_at_the_hang_up(start: Start) -> None:
    running = start("bash", "--norc", "-i", options=("--hangup-after", "0.4", "--kill-after", "8"))
    client = running.client()
    client.go({"PS1": "ready> "})
    client.read_until("ready> ")
    begun = time.monotonic()
    running.signal(signal.SIGTERM)
    assert client.read_to_exit() == 129
    assert 0.3 < time.monotonic() - begun < 3
    assert running.wait() == 129


def test_the_foreground_job_of_a_shell_gets_sigterm_too(start: Start) -> None:
    running = start("bash", "--norc", "-i", options=QUICK)
    client = running.client()
    client.go({"PS1": "> "})
    client.type("sh -c 'trap \"echo job ended; exit\" TERM; echo job up; while :; do sleep 0.05; done'\r")
    client.read_until("job up\r\n")
    running.signal(signal.SIGTERM)
    client.read_until("job ended\r\n")
    assert client.read_to_exit() == 129


def test_a_program_that_ignores_all_signals_is_killed(start: Start) -> None:
    running = start(sys.executable, "-c", DEAF + "print('up', flush=True)\ntime.sleep(100)", options=QUICK)
    client = running.client()
    client.go()
    client.read_until("up")
    begun = time.monotonic()
    running.signal(signal.SIGTERM)
    assert client.read_to_exit() == 137
    assert 0.9 < time.monotonic() - begun < 4


def test_output_after_the_hang_up_is_still_read(start: Start) -> None:
    script = "trap '' TERM; trap 'sleep 0.1; echo last words; exit 6' HUP; echo up; while :; do sleep 0.05; done"
    running = start("sh", "-c", script, options=("--hangup-after", "0.2", "--kill-after", "4"))
    client = running.client()
    client.go()
    client.read_until("up")
    running.signal(signal.SIGTERM)
    assert client.read_to_exit() == 6
    assert b"last words" in client.screen


def test_a_program_that_only_watches_its_terminal_ends_when_that_closes(start: Start) -> None:
    script = DEAF + "import sys\nprint('up', flush=True)\n\ntry: sys.stdin.read()\nexcept OSError: sys.exit(8)"
    running = start(sys.executable, "-c", script, options=("--hangup-after", "0.2", "--kill-after", "1.4"))
    client = running.client()
    client.go()
    client.read_until("up")
    running.signal(signal.SIGTERM)
    assert client.read_to_exit() == 8


def test_a_stopped_program_is_woken_to_end(start: Start) -> None:
    running = start("sh", "-c", "trap 'exit 11' TERM; echo up; kill -STOP $$; sleep 5")
    client = running.client()
    client.go()
    client.read_until("up")
    time.sleep(0.2)
    running.signal(signal.SIGTERM)
    assert client.read_to_exit() == 11


def test_background_jobs_of_a_killed_shell_are_killed(start: Start, run_dir: Path) -> None:
    (run_dir / "job.py").write_text(DEAF + "print('job is', 'up', flush=True)\ntime.sleep(100)")
    running = start("bash", "--norc", "-i", options=QUICK)
    client = running.client()
    client.go({"PS1": "> "})
    client.type(f"trap '' HUP; {sys.executable} {run_dir}/job.py &\r")
    client.read_until("job is up")
    shell, *_ = descendants(running.pid)
    jobs = descendants(shell)
    assert jobs
    running.signal(signal.SIGTERM)
    client.read_to_exit()
    eventually(lambda: all(is_gone(job) for job in jobs), "the job is gone")


# ---- Orphans


def test_orphans_are_reaped(start: Start, run_dir: Path) -> None:
    script = "for i in 1 2 3 4 5 6 7 8; do (sh -c 'sleep 0.1; echo $$ >> pids' &) ; done;echo up; read line; exit 0"
    running = start("sh", "-c", script, prefix=("env", "-C", str(run_dir)))
    client = running.client()
    client.go()
    pids = run_dir / "pids"
    eventually(lambda: pids.exists() and len(pids.read_text().split()) == 8, "all orphans have ended")
    eventually(lambda: len(descendants(running.pid)) == 1, "only the command is left, and no zombie")
    client.type("go on\r")
    assert client.read_to_exit() == 0


def test_the_end_of_an_orphan_is_not_taken_for_the_commands(start: Start) -> None:
    running = start("sh", "-c", "(sh -c 'sleep 0.1; exit 77' &); sleep 0.4; echo still here; exit 2")
    client = running.client()
    client.go()
    assert client.read_to_exit() == 2
    assert b"still here" in client.screen


def test_inherited_signal_settings_and_descriptors_do_not_reach_the_command(start: Start) -> None:
    script = (
        "import os, signal\n"
        "print([s for s in range(1, 65) if s not in (9, 19, 32, 33, 2, 13, 25)"
        " and signal.getsignal(s) not in (signal.SIG_DFL, None)], signal.pthread_sigmask(0, []),"
        " sorted(int(fd) for fd in os.listdir('/proc/self/fd'))[:-1])"
    )
    ignoring = "trap '' TERM CHLD PIPE HUP INT USR1; exec 7</dev/null 9</dev/null; exec \"$@\""
    running = start(sys.executable, "-c", script, prefix=("bash", "-c", ignoring, "bash"))
    client = running.client()
    client.go()
    assert client.read_to_exit() == 0
    assert client.screen == b"[] set() [0, 1, 2]\r\n"


def test_many_short_runs_leave_nothing(start: Start) -> None:
    for _ in range(5):
        running = start("true")
        client = Client(running.socket)
        client.go()
        assert client.read_to_exit() == 0
        client.close()
        assert running.wait() == 0
    assert not Path(running.socket).exists()
