"""The kubelet's first question finds somebody, however long the sidecar takes to load."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ports import free_port
from taskyard.sidecar import entry
from unit.sidecar.authority import Authority
from unit.sidecar.pod import OPERATOR, PATIENCE, Pod, until

REQUEST = b"GET %s HTTP/1.1\r\nHost: pod\r\nConnection: close\r\n\r\n"


def environment(port: int, **changes: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(OPERATOR),
        "TASKYARD_GATEWAY_URL": "https://127.0.0.1:1",
        "TASKYARD_CA_CERTIFICATE": "none",
        "TASKYARD_TOKEN_FILE": "/nonexistent",
        "TASKYARD_TASK_NAME": "shell",
        "TASKYARD_TASK_NAMESPACE": "team",
        "TASKYARD_TASK_UID": "1",
        "TASKYARD_POD_UID": "2",
        "TASKYARD_BUILD_NUMBER": "1",
        "TASKYARD_HEALTH_PORT": str(port),
    } | changes


def test_the_port_is_taken_before_the_large_libraries_are_loaded() -> None:
    port = free_port()
    script = (
        "import os, sys; from taskyard.sidecar import entry; taken = entry.take_port(os.environ); "
        "print(taken is not None, *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(port), capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 0, done.stderr
    taken, *loaded = done.stdout.split()
    assert taken == "True"
    unwanted = {"taskyard.sidecar.main", "uvicorn", "starlette", "httpx", "asyncio"}
    assert not unwanted & set(loaded)


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz"])
def test_a_question_asked_before_the_sidecar_is_loaded_is_answered(
    path: bytes, authority: Authority, tmp_path: Path
) -> None:
    """As the kubelet asks: once, and not again for two seconds."""
    port = free_port()
    program = (
        "import os, time; from taskyard.sidecar import entry; taken = entry.take_port(os.environ); "
        "print('taken', flush=True); time.sleep(0.5); from taskyard.sidecar import main; main.main(taken)"
    )
    sidecar = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment(
            port,
            TASKYARD_CA_CERTIFICATE=authority.pem,
            TASKYARD_STATE_DIR=str(tmp_path),
        ),
        stdout=subprocess.PIPE,
    )
    try:
        assert sidecar.stdout is not None
        assert sidecar.stdout.readline() == b"taken\n"
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as kubelet:
            kubelet.sendall(REQUEST % path)
            answer = kubelet.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200" if path == b"/healthz" else b"HTTP/1.1 503")
    finally:
        sidecar.kill()
        sidecar.wait()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"TASKYARD_HEALTH_PORT": "many"}, id="a wrong setting"),
        pytest.param({"TASKYARD_BUILD_NUMBER": ""}, id="a missing setting"),
    ],
)
def test_what_the_sidecar_itself_will_complain_about_takes_no_port(changes: dict[str, str]) -> None:
    assert entry.take_port(environment(free_port(), **changes)) is None


def test_a_port_that_the_agent_holds_is_left_to_the_sidecar_which_tries_again() -> None:
    with socket.create_server(("", 0)) as agent:
        assert entry.take_port(environment(agent.getsockname()[1])) is None


def test_the_whole_sidecar_runs_by_its_entry_point(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness is told by the port that was taken first, and is held until the agent can be reached."""
    monkeypatch.setattr("unit.sidecar.pod.MODULE", "taskyard.sidecar.entry")
    pod.start_sidecar(anew=True)
    assert until("readiness", lambda: pod.health("/readyz")).status_code == 503
    pod.start_agent()
    until("readiness", lambda: pod.health("/readyz").status_code == 200)
    assert pod.kill_sidecar(signal.SIGTERM) == 0
