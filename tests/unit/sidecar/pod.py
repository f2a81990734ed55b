"""A Pod for the tests: taskyard-init with an agent's command, and the sidecar, each as a real process."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

import forkserver
import plainhttp
from ports import free_port
from unit.sidecar.gateway_app import POD_UID, TASK_UID, TOKEN, GatewayApp

OPERATOR = Path(__file__).parents[3] / "operator"
MODULE = "taskyard.sidecar.main"
PATIENCE = 15.0
STABLE_SECONDS = "0.6"
HOOK_KEY = "the-kubelets"
T = TypeVar("T")
STOP_SOON = ("--hangup-after", "0.2", "--kill-after", "1")
SHELL = ("bash", "--norc", "--noprofile", "-i")


def until(what: str, look: Callable[[], T], patience: float = PATIENCE) -> T:
    """The first true result of `look`, which is called repeatedly."""
    deadline = time.monotonic() + patience
    while True:
        try:
            found = look()
        except httpx.TransportError:
            found = None  # type: ignore[assignment]
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {patience} s for {what}"
        time.sleep(0.02)


@contextmanager
def forking_sidecars() -> Iterator[None]:
    """Sidecars are forks meanwhile, of a process with an environment like theirs."""
    kept = {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("PYTHON")}
    with forkserver.forking(MODULE, kept):
        yield


class Pod:
    """A `gateway` other than GatewayApp needs `url`, the `authority` with its `pem`, and the Pod's `key`."""

    def __init__(self, folder: Path, gateway: GatewayApp, init: Path, uid: str = POD_UID) -> None:
        self.uid = uid
        self.folder = folder
        self.gateway = gateway
        self.socket = folder / "agent.sock"
        self.state = folder / "state"
        self.home = folder / "home"
        self.home.mkdir()
        self.port, self.health_port, self.report_port = free_port(), free_port(), free_port()
        self.agent: subprocess.Popen[bytes] | None = None
        self.sidecar: forkserver.Process | None = None
        self.transcript = folder / "stdout.txt"
        self.log = folder / "stderr.txt"
        self._init = init
        (folder / "token").write_text(TOKEN + "\n")
        self._client: httpx.Client | None = None

    # Processes.

    def start_agent(
        self,
        command: Sequence[str] = SHELL,
        size: str = "80x1000",
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`options` are options of `taskyard-init run`, instead of a terminal's size."""
        how = options or ("--tty", size)
        self.agent = subprocess.Popen(
            [self._init, "run", "--socket", self.socket, *how, *STOP_SOON, "--", *command],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "PS1": "agent$ ",
                "LANG": "C.UTF-8",
                "TASKYARD_TASK_PROMPT_FILE": str(self.folder / "prompt.txt"),
                "TASKYARD_MCP_URL": self.mcp_url,
                **(environment or {}),
            },
            cwd=self.home,
        )

    def start_sidecar(self, *, anew: bool = False, **changes: str) -> None:
        """`anew`: it shares no memory with others, so that its own can be measured."""
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(OPERATOR),
            "TASKYARD_GATEWAY_URL": self.gateway.url,
            "TASKYARD_CA_CERTIFICATE": self.gateway.authority.pem,
            "TASKYARD_TOKEN_FILE": str(self.folder / "token"),
            "TASKYARD_TASK_NAME": "shell",
            "TASKYARD_TASK_NAMESPACE": "team",
            "TASKYARD_TASK_UID": TASK_UID,
            "TASKYARD_POD_UID": self.uid,
            "TASKYARD_BUILD_NUMBER": "1",
            "TASKYARD_AGENT_PROTOCOL": "Terminal",
            "TASKYARD_AGENT_SOCKET": str(self.socket),
            "TASKYARD_STATE_DIR": str(self.state),
            "TASKYARD_DURABLE": "true",
            "TASKYARD_LISTEN": "127.0.0.1",
            "TASKYARD_STABLE_SECONDS": STABLE_SECONDS,
            "TASKYARD_HOOK_KEY": HOOK_KEY,
            "TASKYARD_SIDECAR_PORT": str(self.port),
            "TASKYARD_HEALTH_PORT": str(self.health_port),
            "TASKYARD_REPORT_PORT": str(self.report_port),
        } | changes
        with self.transcript.open("ab") as out, self.log.open("ab") as err:
            self.sidecar = forkserver.start(MODULE, environment, out, err, anew=anew)

    def kill_sidecar(self, number: int = signal.SIGKILL) -> int:
        assert self.sidecar is not None
        self.sidecar.send_signal(number)
        return self.sidecar.wait(10)

    def stop_agent(self) -> int:
        assert self.agent is not None
        self.agent.terminate()
        return self.agent.wait(10)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        for process in (self.sidecar, self.agent):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(5)

    # The API, as the operator calls it: TLS verified against the authority and the Pod's UID, and the key.

    @property
    def client(self) -> httpx.Client:
        if self._client is None:
            self._client = self.new_client(self.gateway.key)
        return self._client

    def new_client(self, key: str | None) -> httpx.Client:
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            verify=ssl.create_default_context(cadata=self.gateway.authority.pem),
            headers={"Authorization": f"Bearer {key}"} if key is not None else {},
            timeout=PATIENCE,
            trust_env=False,
        )

    def get(self, path: str) -> Any:
        response = self.client.get(path, extensions={"sni_hostname": self.uid})
        response.raise_for_status()
        return response.json()

    def post(
        self, content: Any = None, key: str | None = None, kind: str = "user", name: str | None = None, **body: Any
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key, "Taskyard-Input": name}
        return self.client.post(
            "/message",
            json={"content": content, "type": kind} | body,
            headers={header: value for header, value in headers.items() if value is not None},
            extensions={"sni_hostname": self.uid},
        )

    @property
    def mcp_url(self) -> str:
        return f"http://127.0.0.1:{self.report_port}/mcp"

    def states(self) -> list[tuple[str, str]]:
        """The states reported to the gateway, without repetitions that only add the prompt's hash."""
        told = [(report["state"], report["message"]) for report in self.gateway.reports]
        return [state for number, state in enumerate(told) if number == 0 or state != told[number - 1]]

    def health(self, path: str, hook_key: str | None = HOOK_KEY) -> httpx.Response:
        """A GET as the kubelet sends it."""
        return plainhttp.get(
            f"http://127.0.0.1:{self.health_port}{path}",
            headers={"Authorization": f"Bearer {hook_key}"} if hook_key is not None else {},
            timeout=PATIENCE,
        )

    def status(self) -> str:
        return str(self.get("/status")["status"])

    def messages(self) -> list[dict[str, Any]]:
        return list(self.get("/messages")["messages"])

    def contents(self) -> list[tuple[str, str]]:
        return [(message["role"], message["content"]) for message in self.messages()]

    def until_stable(self) -> None:
        until("the agent to wait for input", lambda: self.status() == "stable")

    def transcribed(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.transcript.read_text().splitlines()]

    def journal(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.state / "journal.jsonl").read_text().splitlines()]

    def screen(self) -> str:
        """What the agent's terminal shows."""
        with self.events("/internal/screen") as events:
            return str(next(body for name, body in events if name == "screen")["screen"])

    @contextmanager
    def events(self, path: str = "/events") -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
        with self.client.stream("GET", path, extensions={"sni_hostname": self.uid}) as response:
            assert response.status_code == 200
            yield _events(response)


def _events(response: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
