"""As in a container: process 1 of its own namespace, an image without a shell, no privileges; and under valgrind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unit.init.process import Running, Start, descendants, eventually, is_gone

OWN_PROCESSES = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
QUICK = ("--hangup-after", "0.3", "--kill-after", "0.9")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces: needs root")


def as_process_one(launch: Start, program: Path, *command: str, prefix: tuple[str, ...] = ()) -> Running:
    """Starts it as process 1 of a namespace of its own."""
    running = launch(program, *command, options=QUICK, prefix=(*OWN_PROCESSES, *prefix))
    eventually(lambda: len(descendants(running.process.pid)) >= 1, "process 1 is there")
    running.pid = descendants(running.process.pid)[0]
    return running


@needs_root
def test_as_process_one_it_reaps_orphans(launch: Start, program: Path) -> None:
    script = "for i in 1 2 3 4 5; do (sh -c 'sleep 0.1' &) ; done; echo up; read line; exit 3"
    running = as_process_one(launch, program, "sh", "-c", script)
    client = running.client()
    client.go()
    client.read_until("up")
    eventually(lambda: len(descendants(running.pid)) == 1, "the orphans are gone, and no zombie is left")
    client.type("\r")
    assert client.read_to_exit() == 3
    assert running.wait() == 3


@needs_root
def test_as_process_one_it_takes_sigterm_before_go(launch: Start, program: Path) -> None:
    running = as_process_one(launch, program, "sleep", "100")
    running.signal(signal.SIGTERM)
    assert running.wait() == 143


@needs_root
def test_as_process_one_it_kills_every_process(launch: Start, program: Path) -> None:
    script = (
        "import os, signal, time\n"
        "for s in (signal.SIGTERM, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)\n"
        "if os.fork() == 0: os.setsid()\n"
        "print('up', flush=True)\n"
        "time.sleep(100)"
    )
    running = as_process_one(launch, program, sys.executable, "-c", script)
    client = running.client()
    client.go()
    client.read_until(lambda screen: screen.count(b"up") == 2)
    left = descendants(running.pid)
    assert len(left) == 2
    running.signal(signal.SIGTERM)
    assert client.read_to_exit() == 137
    assert running.wait() == 137
    eventually(lambda: all(is_gone(pid) for pid in left), "none is left")


# Makes the image's root file system in a mount namespace of its own, and starts the program in it. The variables
# ROOT, RUN (the folder that both see) and PROGRAM are in the environment.
IMAGE = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs $ROOT
mkdir -p $ROOT/bin $ROOT/dev/pts $ROOT/proc $ROOT/run
cp $PROGRAM $ROOT/bin/init
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts $ROOT/dev/pts
ln -s pts/ptmx $ROOT/dev/ptmx
mount -t proc proc $ROOT/proc
mount --bind $RUN $ROOT/run
mount -o remount,ro $ROOT
exec setpriv --no-new-privs --inh-caps=-all chroot --userspec=12345:23456 $ROOT \\
    /bin/init run --socket /run/agent.sock -- init --help
"""


@needs_root
def test_in_an_image_that_holds_nothing_else_without_any_privileges(builds: Path, run_dir: Path) -> None:
    """A read-only root file system, some user id, no capability, no new privileges, no shell, no /dev/null."""
    run, root = run_dir / "run", run_dir / "root"
    run.mkdir()
    root.mkdir()
    run.chmod(0o777)
    run_dir.chmod(0o755)
    with (run_dir / "log").open("wb") as log:
        process = subprocess.Popen(
            ["unshare", "--pid", "--mount", "--fork", "--kill-child", "sh", "-c", IMAGE],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={
                **os.environ,
                "PROGRAM": str(builds / "taskyard-init"),
                "ROOT": str(root),
                "RUN": str(run),
                "TASKYARD_TASK_PROMPT_FILE": "/run/prompt.txt",
            },
        )
    running = Running(process, run / "agent.sock", run_dir / "log", process.pid)
    try:
        eventually(lambda: running.socket.exists() or process.poll() is not None, "the socket is there")
        assert process.poll() is None, running.said()
        client = running.client()
        status = Path(f"/proc/{descendants(process.pid)[0]}/status").read_text()
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
        client.go({"PATH": "/bin"}, "the prompt")
        assert client.read_to_exit() == 0
        assert b"usage: taskyard-init" in client.screen
        assert process.wait(5) == 0
        prompt = run / "prompt.txt"
        assert prompt.read_text() == "the prompt"
        assert (prompt.stat().st_uid, prompt.stat().st_gid) == (12345, 23456)
    finally:
        running.end()


# ---- Under valgrind

VALGRIND = ("valgrind", "--leak-check=full", "--errors-for-leak-kinds=all", "--error-exitcode=98")

needs_valgrind = pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")


@needs_valgrind
def test_a_whole_run_under_valgrind(launch: Start, builds: Path, run_dir: Path) -> None:
    script = "read line; echo got $line; seq 1 60000; exit 3"
    running = launch(
        builds / "taskyard-init-debug",
        "sh",
        "-c",
        script,
        prefix=VALGRIND,
        environment={"TASKYARD_TASK_PROMPT_FILE": str(run_dir / "prompt.txt")},
    )
    client, bad, gone = running.client(), running.client(), running.client()
    assert bad.hello
    bad.socket.sendall(b"\x09garbage")
    assert bad.is_closed()
    client.go({"A": "b", "TERM": "dumb"}, "prompt " * 1000)
    gone.type(b"half"[:2])
    gone.close()
    client.resize(100, 30)
    client.type("words\r")
    assert client.read_to_exit() == 3
    assert b"60000\r\n" in client.screen
    assert running.wait() == 3, running.said()


@needs_valgrind
def test_the_shutdown_under_valgrind(launch: Start, builds: Path) -> None:
    script = "import signal, time\nfor s in (1, 15): signal.signal(s, 1)\nprint('up', flush=True)\ntime.sleep(100)"
    running = launch(builds / "taskyard-init-debug", sys.executable, "-c", script, prefix=VALGRIND, options=QUICK)
    client = running.client()
    client.go()
    client.read_until("up")
    half = running.client()
    half.socket.sendall(b"\x04\x00\x00\x01\x00half an input frame")
    time.sleep(0.1)
    running.signal(signal.SIGTERM)
    assert client.read_to_exit() == 137
    assert running.wait() == 137, running.said()
