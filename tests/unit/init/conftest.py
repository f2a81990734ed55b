"""Builds taskyard-init (static, and with the sanitizers) and starts it for each test.

Nearly every test runs against both builds; the sanitizers' reports are checked after each. `valgrind_program` is
a third build for the few tests that run under valgrind.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import initprogram
from unit.init.process import SANITIZER, Running, Start, connects, eventually


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all builds of the program."""
    return initprogram.build(tmp_path_factory, "all", "asan", "debug")


@pytest.fixture(params=["asan", "static"])
def program(request: pytest.FixtureRequest, builds: Path) -> Path:
    return builds / ("taskyard-init-asan" if request.param == "asan" else "taskyard-init")


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """A folder with a short name: a socket's path has at most 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="ti-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def launch(run_dir: Path) -> Iterator[Start]:
    """Starts a given program: launch(program, *command, options=[...], environment={...}, prefix=[...])."""
    started: list[Running] = []

    def start(
        program: Path,
        *command: str,
        options: tuple[str, ...] = (),
        environment: Mapping[str, str] | None = None,
        prefix: tuple[str, ...] = (),
        umask: int = -1,
    ) -> Running:
        socket, log = run_dir / "agent.sock", run_dir / f"log-{len(started)}"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [*prefix, program, "run", "--socket", socket, *options, "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env={**os.environ, **SANITIZER, **(environment or {})},
                umask=umask,
            )
        running = Running(process, socket, log, process.pid)
        started.append(running)
        eventually(lambda: connects(socket) or process.poll() is not None, "the socket is there")
        assert process.poll() is None, running.said()
        return running

    yield start
    for running in started:
        running.end()


@pytest.fixture
def start(program: Path, launch: Start) -> Start:
    """Starts taskyard-init with a command: start("cat", options=("--tty", "80x24"))."""
    return lambda *command, **how: launch(program, *command, **how)
