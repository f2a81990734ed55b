"""The sidecar beside a shell under taskyard-init: real processes, real TLS, a gateway on loopback."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import usage
from bench.figures import Figure, percentile
from localcluster.locations import REPOSITORY
from unit.init.client import Client
from unit.init.process import connects
from unit.sidecar.authority import Authority
from unit.sidecar.gateway_app import POD_UID, GatewayApp
from unit.sidecar.pod import SHELL, STOP_SOON, Pod, until

Say = Callable[[str], None]

# Each message has an answer, so it makes two messages of the conversation.
MESSAGES = 1000
# They take a fifth of a second each: an agent counts as waiting only after that time without a change.
STABLE_SECONDS = "0.2"
# And a moment for the work that follows: the sidecar reports to the gateway, stores the answer, and so on.
REST_SECONDS = 0.25
MESSAGES_UNTIL = 180.0
# After each so many messages a bare request is answered, which the messages are compared with.
BARE_EVERY = 5
FLOOD_BYTES = 100 * 1_000_000
FLOOD_UNTIL = 120.0
OWN_SAMPLES = 100
LISTENERS = 100
IDLE_SECONDS = 16.0
# As often as the kubelet probes readiness.
PROBE_EVERY = 2.0


def run(folder: Path, say: Say) -> list[Figure]:
    """Runs all measurements."""
    init = _built(folder)
    say("the agent's own latency")
    own = _own_latencies(folder, init)
    with _pod(folder, init) as pod:
        assert pod.sidecar is not None and pod.agent is not None
        pid, init_pid = pod.sidecar.pid, pod.agent.pid
        at_first = usage.resident(pid)
        say(f"{MESSAGES // 2} messages and their answers")
        began, used = time.monotonic(), usage.cpu_seconds(pid)
        latencies, bare = _messages(pod)
        used = usage.cpu_seconds(pid) - used
        said = len(pod.messages())
        say(f"{said} messages in {time.monotonic() - began:.0f} s; {FLOOD_BYTES / 1e6:.0f} MB of output")
        began = time.monotonic()
        written = _flood(pod)
        seconds = time.monotonic() - began
        with_all = usage.resident(pid)
        say(f"{written / 1e6:.0f} MB in {seconds:.0f} s; {LISTENERS} listeners")
        heard, with_listeners = _listeners(pod, pid)
        say(f"nothing, for {IDLE_SECONDS:.0f} s")
        idle, init_idle = _idle(pod, pid, init_pid)
        init_resident = usage.resident(init_pid)
    beyond = [percentile(latencies, share) - percentile(own, share) for share in (0.5, 0.99)]
    return [
        Figure("sidecar: RSS at first", at_first, "MB"),
        Figure("sidecar: messages of the conversation", said, ""),
        Figure(f"sidecar: RSS after them and {FLOOD_BYTES / 1e6:.0f} MB of output", with_all, "MB", 40),
        Figure("sidecar: output processed, 80x1000", written / 1e6 / seconds, "MB/s"),
        Figure(
            "POST /message beyond the agent's own, of a bare answer's, p50", beyond[0] / percentile(bare, 0.5), "", 3
        ),
        Figure("POST /message beyond the agent's own, of a bare answer's, p99", beyond[1] / percentile(bare, 0.99), ""),
        Figure("POST /message beyond the agent's own, p50", beyond[0] * 1000, "ms"),
        Figure("POST /message beyond the agent's own, p99", beyond[1] * 1000, "ms"),
        Figure("bare answer of the sidecar (GET /status), p50", percentile(bare, 0.5) * 1000, "ms"),
        Figure("bare answer of the sidecar (GET /status), p99", percentile(bare, 0.99) * 1000, "ms"),
        Figure("POST /message, p50", percentile(latencies, 0.5) * 1000, "ms"),
        Figure("sidecar: CPU for a message and its answer", used / len(latencies) * 1000, "ms"),
        Figure("agent's own: paste shown, Enter answered, p50", percentile(own, 0.5) * 1000, "ms"),
        Figure("agent's own: paste shown, Enter answered, p99", percentile(own, 0.99) * 1000, "ms"),
        Figure(f"clients of GET /events that receive a message, of {LISTENERS}", len(heard), "", LISTENERS, True),
        Figure("the last of them receives it after", max(heard, default=0) * 1000, "ms"),
        Figure(f"sidecar: RSS with {LISTENERS} clients of GET /events", with_listeners, "MB"),
        Figure(f"sidecar: idle CPU, readiness asked every {PROBE_EVERY:.0f} s", idle * 100, "% of a core", 0.2),
        Figure("taskyard-init: RSS after all that", init_resident, "MB", 2),
        # Nothing wakes it, so a goal of none at all can be met.
        Figure("taskyard-init: idle CPU meanwhile", init_idle * 100, "% of a core", 0),
    ]


def _built(folder: Path) -> Path:
    source = REPOSITORY / "operator" / "init"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    subprocess.run(["make", "-s", "-C", source, f"BUILD={folder / 'init'}"], check=True, timeout=120, env=environment)
    return folder / "init" / "taskyard-init"


@contextmanager
def _pod(folder: Path, init: Path) -> Iterator[Pod]:
    gateway = GatewayApp(Authority(), folder)
    gateway.start()
    pod = Pod(folder, gateway, init)
    try:
        pod.start_agent(SHELL)
        pod.start_sidecar(TASKYARD_STABLE_SECONDS=STABLE_SECONDS)
        pod.until_stable()
        yield pod
    finally:
        pod.close()
        gateway.stop()


def _connection(pod: Pod) -> http.client.HTTPSConnection:
    """A TLS connection that trusts the Pod's certificate, like the operator's, but with less overhead than httpx."""
    context = ssl.create_default_context(cadata=pod.gateway.authority.pem)

    class Connection(http.client.HTTPSConnection):
        def connect(self) -> None:
            http.client.HTTPConnection.connect(self)
            self.sock = context.wrap_socket(self.sock, server_hostname=POD_UID)

    return Connection("127.0.0.1", pod.port, timeout=30, context=context)


def _post(connection: http.client.HTTPSConnection, pod: Pod, content: str) -> tuple[int, float]:
    """Status and seconds of one POST /message."""
    body = json.dumps({"content": content, "type": "user"})
    request = (
        f"POST /message HTTP/1.1\r\nHost: {POD_UID}\r\nAuthorization: Bearer {pod.gateway.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    return _exchange(connection, request)


def _bare(connection: http.client.HTTPSConnection, pod: Pod) -> float:
    """Seconds of one GET /status, which the sidecar answers from memory."""
    request = f"GET /status HTTP/1.1\r\nHost: {POD_UID}\r\nAuthorization: Bearer {pod.gateway.key}\r\n\r\n"
    status, took = _exchange(connection, request)
    assert status == 200, status
    return took


def _exchange(connection: http.client.HTTPSConnection, request: str) -> tuple[int, float]:
    """Status and seconds of a request, from its first byte to the response's last; the client's work before and after
    is not counted.
    """
    if connection.sock is None:
        connection.connect()
    content = request.encode()
    began = time.perf_counter()
    connection.sock.sendall(content)
    answer = b""
    while not _is_whole(answer):
        piece = connection.sock.recv(65_536)
        assert piece, answer
        answer += piece
    return int(answer.split(b" ", 2)[1]), time.perf_counter() - began


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    return bool(end) and len(body) >= int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])


def _own_latencies(folder: Path, init: Path) -> list[float]:
    """Seconds from a paste until it is shown, and from Enter until something happens, without a sidecar."""
    place = folder / "own"
    place.mkdir()
    socket = place / "agent.sock"
    command = [init, "run", "--socket", socket, "--tty", "80x1000", *STOP_SOON, "--", *SHELL]
    environment = {"PATH": os.environ["PATH"], "HOME": str(place), "PS1": "agent$ ", "LANG": "C.UTF-8"}
    process = subprocess.Popen(command, env=environment, cwd=place)
    try:
        until("the agent's socket", lambda: connects(socket))
        client = Client(socket)
        client.go()
        client.read_until("agent$ ")
        found = []
        for number in range(OWN_SAMPLES):
            time.sleep(0.02)
            text = f": message {number} of the bench"
            client.screen.clear()
            began = time.perf_counter()
            client.type(f"\x1b[200~{text}\x1b[201~")
            client.read_until(text)
            client.screen.clear()
            client.type("\r")
            client.read_until(lambda screen: bool(screen))
            found.append(time.perf_counter() - began)
            client.read_until("agent$ ")
        return found
    finally:
        process.terminate()
        process.wait(10)


def _messages(pod: Pod) -> tuple[list[float], list[float]]:
    """The seconds of each POST, and of each bare request after the same rest."""
    connection, found, bare = _connection(pod), [], []
    deadline = time.monotonic() + MESSAGES_UNTIL
    while len(found) < MESSAGES // 2 and time.monotonic() < deadline:
        status, took = _post(connection, pod, f": message {len(found)} of the bench")
        if status == 409:
            time.sleep(0.05)
            continue
        assert status == 200, status
        found.append(took)
        time.sleep(REST_SECONDS)
        if len(found) % BARE_EVERY == 0:
            bare.append(_bare(connection, pod))
            time.sleep(REST_SECONDS)
    connection.close()
    return found, bare


def _flood(pod: Pod) -> int:
    """Floods the sidecar; returns the bytes that the agent wrote, all of which the sidecar has read."""
    line = "the quick brown fox jumps over the lazy dog, and over 12345678 others"
    size = len(line) + 2
    pod.until_stable()
    count = FLOOD_BYTES // size
    assert pod.post(f"yes '{line}' | head -n {count}; echo the flood' 'is over").status_code == 200
    until("the end of the flood", lambda: pod.status() == "stable", FLOOD_UNTIL)
    assert "the flood is over" in pod.messages()[-1]["content"]
    return count * size


def _listeners(pod: Pod, pid: int) -> tuple[list[float], float]:
    """The seconds until each client received a message, and the sidecar's RSS with all of them."""
    ready = threading.Barrier(LISTENERS + 1)
    sent: list[float] = []
    text = "echo heard' 'by all"

    def listen() -> float:
        connection = _connection(pod)
        connection.request("GET", "/events", headers={"Authorization": f"Bearer {pod.gateway.key}"})
        response = connection.getresponse()
        while b"status_change" not in response.readline():
            pass
        ready.wait(60)
        while text.encode() not in response.readline():
            pass
        took = time.perf_counter() - sent[0]
        connection.sock.close() if connection.sock else response.close()
        return took

    with concurrent.futures.ThreadPoolExecutor(LISTENERS) as threads:
        clients = [threads.submit(listen) for _ in range(LISTENERS)]
        ready.wait(60)
        resident = usage.resident(pid)
        pod.until_stable()
        sent.append(time.perf_counter())
        assert pod.post(text).status_code == 200
        heard = [client.result(60) for client in clients]
    return heard, resident


def _idle(pod: Pod, *pids: int) -> list[float]:
    """The share of a core that each of the processes uses when idle."""
    pod.until_stable()
    time.sleep(3)
    before, began = [usage.cpu_seconds(pid) for pid in pids], time.monotonic()
    while time.monotonic() - began < IDLE_SECONDS:
        connection = http.client.HTTPConnection("127.0.0.1", pod.health_port, timeout=5)
        connection.request("GET", "/readyz")
        assert connection.getresponse().status == 200
        connection.close()
        time.sleep(PROBE_EVERY)
    seconds = time.monotonic() - began
    return [(usage.cpu_seconds(pid) - used) / seconds for pid, used in zip(pids, before, strict=True)]
