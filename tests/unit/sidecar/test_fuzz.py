"""Whatever callers or a fake agent send to the sidecar, it stays up, small and quick."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import plainhttp
from unit.sidecar.authority import Authority
from unit.sidecar.conftest import gateway_running, pod_running
from unit.sidecar.gateway_app import POD_UID
from unit.sidecar.pod import Pod, until

FEW = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
GROWTH = 16 * 1024  # KiB that callers may make the process grow by; its memory limit is 192 MiB
PATHS = st.sampled_from(
    [
        "/status",
        "/messages",
        "/message",
        "/upload",
        "/events",
        "/internal/screen",
        "/snapshot",
        "/openapi.json",
        "/",
        "/a%00b",
        "/%ff",
        "//",
        "/..",
        "/message/",
    ]
)
METHODS = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "QUERY"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["content", "type", "answers", "file"]) | st.text(max_size=5), inner, max_size=4
        )
    ),
    max_leaves=8,
)
BODIES = st.one_of(
    st.binary(max_size=300),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.just(b"[" * 2_000),
    st.just(b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\ncontent'),
    st.just(b"--b--"),
)
HEADER = st.sampled_from(
    [
        ("Content-Type", "multipart/form-data; boundary=b"),
        ("Content-Type", "application/json"),
        ("Content-Type", "\xff"),
        ("Idempotency-Key", "\xe9"),
        ("Idempotency-Key", "k" * 300),
        ("Accept-Encoding", "nonsense"),
        ("Range", "bytes=0-"),
        ("Expect", "100-continue"),
        ("Upgrade", "websocket"),
    ]
)


def memory(pod: Pod) -> int:
    """Resident memory in KiB."""
    assert pod.sidecar is not None
    status = Path(f"/proc/{pod.sidecar.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


@pytest.fixture(scope="module")
def waiting_pod(authority: Authority, init_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """An agent that only ever reads its input, so that no message makes it do anything."""
    folder = tmp_path_factory.mktemp("pod")
    with gateway_running(authority, folder) as gateway, pod_running(gateway, init_program, folder) as pod:
        pod.start_agent(("bash", "-c", "printf 'ready> '; stty raw -echo; exec cat > /dev/null"))
        pod.start_sidecar()
        pod.until_stable()
        yield pod


@FEW
@given(method=METHODS, path=PATHS, body=BODIES, headers=st.lists(HEADER, max_size=2))
def test_no_request_causes_an_internal_error(
    waiting_pod: Pod, method: str, path: str, body: bytes, headers: list[tuple[str, str]]
) -> None:
    sent = [("Authorization", f"Bearer {waiting_pod.gateway.key}"), *headers]
    if method == "POST" and path == "/message" and b'"content"' in body:
        path = "/messages"  # a valid message would be typed, which takes time
    with (
        waiting_pod.new_client(None) as client,
        client.stream(
            method,
            path,
            content=body,
            headers=[(name.encode(), value.encode("latin-1")) for name, value in sent],
            extensions={"sni_hostname": POD_UID},
        ) as response,
    ):
        assert response.status_code != 500, response.read()
        assert response.status_code < 504
        if response.status_code >= 400 and method != "HEAD":
            assert response.headers["Content-Type"] in ("application/problem+json", "text/plain; charset=utf-8")


@FEW
@given(path=st.sampled_from(["mcp", "report", "output", "", "x"]), method=METHODS, body=BODIES)
def test_no_report_causes_an_internal_error(waiting_pod: Pod, path: str, method: str, body: bytes) -> None:
    response = plainhttp.request(method, f"http://127.0.0.1:{waiting_pod.report_port}/{path}", content=body, timeout=10)
    assert response.status_code != 500


RAW = st.lists(
    st.sampled_from(
        [
            b"GET /status HTTP/1.1\r\n",
            b"POST /message HTTP/1.1\r\n",
            b"GET " + b"/" * 20_000 + b" HTTP/1.1\r\n",
            b"Host: x\r\n",
            b"X: " + b"y" * 20_000 + b"\r\n",
            b"Content-Length: 5\r\n",
            b"Content-Length: -1\r\n",
            b"Content-Length: 99999999999999999999\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"\r\n",
            b"5\r\nhello\r\n",
            b"ffffffffffffffff\r\n",
            b"\x16\x03\x01\x00\xff",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x00\xff",
        ]
    )
    | st.binary(max_size=50),
    max_size=8,
)


def talk(port: int, tls: ssl.SSLContext | None, pieces: list[bytes]) -> bytes:
    """The answer to some bytes; closes the connection afterwards."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        try:
            connection = plain if tls is None else tls.wrap_socket(plain, server_hostname=POD_UID)
            for piece in pieces:
                connection.sendall(piece)
            connection.settimeout(0.1)
            while piece := connection.recv(65_536):
                answer += piece
        except OSError:
            pass
    return answer


@FEW
@given(pieces=RAW, kind=st.sampled_from(["api", "api without TLS", "probes", "reports"]))
def test_broken_http_is_answered_or_disconnected(waiting_pod: Pod, pieces: list[bytes], kind: str) -> None:
    tls = ssl.create_default_context(cadata=waiting_pod.gateway.authority.pem) if kind == "api" else None
    ports = {"probes": waiting_pod.health_port, "reports": waiting_pod.report_port}
    answer = talk(ports.get(kind, waiting_pod.port), tls, pieces)
    assert not answer.startswith(b"HTTP/1.1 5")


def test_afterwards_it_is_as_small_and_quick_as_before(waiting_pod: Pod) -> None:
    before = memory(waiting_pod)
    flood = [b"POST /message HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 10_000]
    tls = ssl.create_default_context(cadata=waiting_pod.gateway.authority.pem)
    for _ in range(150):
        talk(waiting_pod.report_port, None, flood)
    threads = [threading.Thread(target=talk, args=(waiting_pod.port, tls, flood)) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    began = time.monotonic()
    until("an answer", lambda: waiting_pod.get("/status"))
    assert time.monotonic() - began < 3
    assert memory(waiting_pod) - before < GROWTH


# A fake agent.


def frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BI", kind, len(payload)) + payload


def hello(
    state: int, columns: int, rows: int, total: int, replay: int, instance: bytes = b"i" * 16, version: int = 1
) -> bytes:
    return frame(1, struct.pack(">BB16sHHQI", version, state, instance, columns, rows, total, replay))


SMALL = st.integers(0, 3)
FRAMES = st.one_of(
    st.builds(
        hello,
        SMALL,
        st.sampled_from([0, 1, 2, 80, 65_535]),
        st.sampled_from([0, 1, 24, 65_535]),
        st.sampled_from([0, 10, 2**63]),
        st.sampled_from([0, 5, 2**32 - 1]),
        st.binary(min_size=16, max_size=16),
        st.sampled_from([1, 2]),
    ),
    st.builds(frame, st.sampled_from([3, 7]), st.binary(max_size=300)),
    st.builds(
        frame,
        st.just(3),
        st.sampled_from(
            [
                b"\x1b[999999999B\x1b[999999999C",
                b"\x1b[99999L\x1b[99999@\x1b[99999P",
                b"\x1b[1;1H\x1b[?1049h\x1b[2J",
                b"\x1b]0;" + b"x" * 5000,
                b"\x1b[" + b"1;" * 3000 + b"m",
                "\u0301".encode() * 2000,
                "🧑\u200d🚀".encode() * 300,
                b"\xff\xfe\x80" * 300,
                b"\x1b[6n\x1b[c\x1b[5n" * 300,
                b"\x1b[?2004h$ ",
                b"\x1b#8" * 50,
                b"\n" * 60_000,
            ]
        ),
    ),
    st.builds(frame, st.just(6), st.binary(max_size=5)),
    st.builds(frame, st.just(13), st.binary(max_size=40)),
    st.builds(frame, st.integers(0, 255), st.binary(max_size=20)),
    st.builds(lambda kind, size: struct.pack(">BI", kind, size), st.integers(0, 15), st.integers(0, 2**32 - 1)),
    st.binary(max_size=60),
)


class FakeAgent:
    """Listens on the agent's socket and sends each caller the `script`."""

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(16)
        self.script: list[bytes] = []
        self.calls = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(0.3)
                try:
                    for piece in self.script:
                        connection.sendall(piece)
                    while connection.recv(65_536):
                        pass
                except OSError:
                    pass
            self.calls += 1

    def close(self) -> None:
        self._listener.close()


@contextmanager
def posing(pod: Pod) -> Iterator[FakeAgent]:
    agent = FakeAgent(pod.socket)
    try:
        yield agent
    finally:
        agent.close()


def test_no_bytes_on_the_agents_socket_crash_it(pod: Pod) -> None:
    with posing(pod) as agent:
        agent.script = [hello(1, 80, 24, 0, 0, version=2), frame(3, b"$ ")]
        pod.start_sidecar()
        until("the first call", lambda: agent.calls > 0)
        until("the endpoint", lambda: pod.get("/status"))
        before = memory(pod)

        @settings(max_examples=15, deadline=None, derandomize=True)
        @given(introduced=st.booleans(), pieces=st.lists(FRAMES, max_size=6))
        def try_one(introduced: bool, pieces: list[bytes]) -> None:
            agent.script = [hello(1, 80, 24, 0, 0, version=2)] * introduced + pieces
            seen = agent.calls
            until("the script to be sent", lambda: agent.calls > seen)
            assert pod.get("/status")["status"] in ("running", "stable")
            pod.get("/messages")

        try_one()
        assert pod.sidecar is not None and pod.sidecar.poll() is None
        assert pod.health("/healthz").status_code == 200
        assert memory(pod) - before < GROWTH


def test_a_fake_agent_gets_neither_key_nor_token(pod: Pod) -> None:
    heard: list[bytes] = []

    class Listening(FakeAgent):
        def _serve(self) -> None:
            connection, _ = self._listener.accept()
            connection.settimeout(2)
            connection.sendall(hello(0, 80, 24, 0, 0) + hello(0, 80, 24, 0, 0, version=2) + frame(3, b"$ "))
            try:
                while data := connection.recv(65_536):
                    heard.append(data)
            except OSError:
                pass

    pod.gateway.prompt = "the prompt"
    agent = Listening(pod.socket)
    pod.start_sidecar()
    until("go", lambda: b"the prompt" in b"".join(heard))
    everything: Any = b"".join(heard) + pod.log.read_bytes() + pod.transcript.read_bytes()
    for secret in (pod.gateway.key, pod.gateway.token, "service-account-token"):
        assert secret.encode() not in everything
    agent.close()
