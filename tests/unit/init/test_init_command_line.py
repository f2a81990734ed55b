"""install, the options, and calls that cannot work: each error names its cause and ends with status 125."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from unit.init.process import SANITIZER

LONG = "/tmp/" + "x" * 103


def call(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=10, env={**os.environ, **SANITIZER}
    )


def test_install_copies_the_program(program: Path, run_dir: Path) -> None:
    for _ in range(2):  # also over an existing one
        assert call(program, "install", run_dir).returncode == 0
        installed = run_dir / "taskyard-init"
        assert installed.read_bytes() == program.read_bytes()
        assert stat.S_IMODE(installed.stat().st_mode) == 0o755
        assert sorted(p.name for p in run_dir.iterdir()) == ["taskyard-init", "taskyard-report"]
        assert (run_dir / "taskyard-report").readlink() == Path("taskyard-init")
    assert call(run_dir / "taskyard-init", "--version").stdout.startswith("taskyard-init ")


def test_install_replaces_a_running_one_and_does_not_touch_it(builds: Path, run_dir: Path) -> None:
    program = builds / "taskyard-init"
    assert call(program, "install", run_dir).returncode == 0
    with subprocess.Popen([run_dir / "taskyard-init", "run", "--socket", run_dir / "s", "--", "true"]) as running:
        assert call(program, "install", run_dir).returncode == 0
        assert running.poll() is None
        running.terminate()
    assert (run_dir / "taskyard-init").read_bytes() == program.read_bytes()


def test_install_ignores_the_umask(program: Path, run_dir: Path) -> None:
    done = subprocess.run([program, "install", run_dir], umask=0o077, timeout=10, check=True, env=SANITIZER)
    assert done.returncode == 0
    assert stat.S_IMODE((run_dir / "taskyard-init").stat().st_mode) == 0o755


def test_install_into_a_missing_directory_fails(program: Path, run_dir: Path) -> None:
    done = call(program, "install", run_dir / "missing")
    assert done.returncode == 125
    assert done.stderr == (
        f"taskyard-init: cannot install {run_dir}/missing/taskyard-init: No such file or directory\n"
    )


def test_a_failed_install_leaves_nothing_behind(program: Path, run_dir: Path) -> None:
    (run_dir / "taskyard-init").mkdir()
    done = call(program, "install", run_dir)
    assert done.returncode == 125
    assert "Is a directory" in done.stderr
    assert [p.name for p in run_dir.iterdir()] == ["taskyard-init"]


def test_help_and_version(program: Path) -> None:
    shown = call(program, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert all(word in shown.stdout for word in ("install", "--socket", "--tty", "--hangup-after", "--kill-after"))
    assert call(program, "--version").stdout == "taskyard-init 0.1.0\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param((), "usage:", id="nothing"),
        pytest.param(("start",), "usage:", id="unknown verb"),
        pytest.param(("install",), "install takes one directory", id="install nowhere"),
        pytest.param(("install", "a", "b"), "install takes one directory", id="install to two"),
        pytest.param(("run", "--", "true"), "--socket is missing", id="no socket"),
        pytest.param(("run", "--socket", "/tmp/s"), "no command is given after --", id="no dashes"),
        pytest.param(("run", "--socket", "/tmp/s", "--"), "no command is given after --", id="no command"),
        pytest.param(("run", "--socket", "/tmp/s", "--", ""), "no command is given after --", id="empty command"),
        pytest.param(("run", "--socket"), "--socket needs a value", id="no value"),
        pytest.param(("run", "--socket", "/tmp/s", "true"), 'unknown argument "true"', id="command before --"),
        pytest.param(("run", "--sockets", "/tmp/s"), 'unknown argument "--sockets"', id="unknown option"),
        pytest.param(("run", "--tty", "80"), "--tty takes COLUMNSxROWS", id="no rows"),
        pytest.param(
            ("run", "--socket", "/tmp/s", "--pipes", "--tty", "80x24", "--", "true"),
            "--pipes and --tty exclude each other",
            id="pipes and a terminal",
        ),
        pytest.param(
            ("run", "--socket", "/tmp/s", "--retries", "1", "--", "true"), "need --pipes", id="retries in a terminal"
        ),
        pytest.param(("run", "--retries", "-1"), "--retries takes a number", id="negative retries"),
        pytest.param(("run", "--tty", "0x24"), "--tty takes COLUMNSxROWS", id="no columns"),
        pytest.param(("run", "--tty", "80x65536"), "--tty takes COLUMNSxROWS", id="too many rows"),
        pytest.param(("run", "--tty=80x24x"), "--tty takes COLUMNSxROWS", id="more than a size"),
        pytest.param(("run", "--tty", "-1x24"), "--tty takes COLUMNSxROWS", id="negative"),
        pytest.param(("run", "--kill-after", "soon"), "--kill-after takes seconds", id="text instead of seconds"),
        pytest.param(("run", "--kill-after", "-1"), "--kill-after takes seconds", id="negative seconds"),
        pytest.param(("run", "--kill-after", "nan"), "--kill-after takes seconds", id="not a number"),
        pytest.param(("run", "--hangup-after=1e9"), "--hangup-after takes seconds", id="too many seconds"),
        pytest.param(
            ("run", "--socket", "/tmp/s", "--hangup-after", "11", "--", "true"),
            "--kill-after must not be before --hangup-after",
            id="kill before hang-up",
        ),
        pytest.param(
            ("run", "--socket", LONG, "--", "true"),
            f"the socket's path is too long (108 bytes, at most 107): {LONG}",
            id="socket path too long",
        ),
        pytest.param(
            ("run", "--socket", "/no/such/dir/s", "--", "true"),
            "cannot bind the socket /no/such/dir/s: No such file or directory",
            id="socket in no directory",
        ),
        pytest.param(
            ("run", "--socket", "/tmp", "--", "true"), "/tmp exists and is not a socket", id="a directory in its place"
        ),
    ],
)
def test_calls_that_cannot_work_name_the_cause(program: Path, arguments: tuple[str, ...], message: str) -> None:
    done = call(program, *arguments)
    assert done.returncode == 125
    assert message in done.stderr
    assert done.stdout == ""


def test_a_file_in_the_sockets_place_is_kept(program: Path, run_dir: Path) -> None:
    (run_dir / "s").write_text("mine")
    done = call(program, "run", "--socket", run_dir / "s", "--", "true")
    assert done.returncode == 125
    assert (run_dir / "s").read_text() == "mine"


def test_the_static_program_is_small_and_needs_no_library(builds: Path) -> None:
    program = builds / "taskyard-init"
    assert program.stat().st_size < 1_000_000
    content = program.read_bytes()
    assert b"/ld-linux" not in content
    assert b"getpwnam" not in content
