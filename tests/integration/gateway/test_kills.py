"""Sidecar, taskyard-init and gateway are killed repeatedly at random moments: each input is typed once, in order, and
in the end all parts know the last report.

All three are real processes, the agent is a real shell, the objects are in a real API server. The test delivers
TaskInputs like the operator: each is sent under its UID until it is answered.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

import initprogram
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.workspace import RunningTask, Workspace
from taskyard.core.security.keyring import Keyring
from taskyard.core.security.keys import pod_key
from unit.init.process import descendants
from unit.sidecar.pod import Pod, until

SEEDS = range(int(os.environ.get("TASKYARD_FIRST_SEED", "5")), int(os.environ.get("TASKYARD_LAST_SEED", "5")) + 1)
INPUTS = 8
KILLS = 6
AFTER_RECOVERY = 0.8  # of these kills; the others happen while processes are still down
PATIENCE = 60.0
PROMPT = "echo prompt >> typed"
# From Enter to the shell's first command: during that time the typed text can still be lost with the shell.
READ_WITHIN = 1.0


@dataclass
class Workplace:
    """A Task's Pod as processes on this machine, and the gateway that it reports to."""

    pod: Pod
    gateway: Gateway
    workspace: Workspace
    task: RunningTask

    def start_sidecar(self) -> None:
        metadata = self.task.task["metadata"]
        self.pod.start_sidecar(
            TASKYARD_TASK_NAME=metadata["name"],
            TASKYARD_TASK_NAMESPACE=metadata["namespace"],
            TASKYARD_TASK_UID=metadata["uid"],
        )

    def kill_sidecar(self, chance: random.Random) -> None:
        self.pod.kill_sidecar()
        self.start_sidecar()

    def kill_agent(self, chance: random.Random) -> None:
        """Kills all processes, as when process 1 of a container is killed, and starts it again, as the kubelet does."""
        assert self.pod.agent is not None
        beneath = descendants(self.pod.agent.pid)
        self.pod.agent.kill()
        for pid in beneath:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.pod.agent.wait()
        self.pod.start_agent()

    def kill_gateway(self, chance: random.Random) -> None:
        os.kill(self.gateway.pid, signal.SIGKILL)
        self.gateway.wait()
        time.sleep(chance.uniform(0, 0.5))
        self.gateway.start()

    def is_ready(self) -> bool:
        try:
            return self.pod.health("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def state(self) -> tuple[str, str]:
        state = self.workspace.task_status().get("state", {})
        return state.get("state", ""), state.get("message", "")

    def snapshot(self) -> list[dict[str, Any]]:
        found = self.workspace.admin.find(self.workspace.path("configmaps", "hello-snapshot", group="/api/v1"))
        return json.loads(found["data"]["snapshot.json"])["data"]["messages"] if found else []


@pytest.fixture
def place(
    fresh_gateway: Gateway,
    keyring: Keyring,
    workspace: Workspace,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Workplace]:
    gateway = fresh_gateway
    gateway.make_keys(keyring)
    task = workspace.running_task(prompt=PROMPT)
    uid = task.pod["metadata"]["uid"]
    known = SimpleNamespace(
        url=f"https://localhost:{gateway.port}",
        authority=SimpleNamespace(pem=keyring.authority.certificate_pem),
        key=pod_key(keyring.master_key, uid),
    )
    pod = Pod(tmp_path, known, initprogram.program(tmp_path_factory), uid)  # type: ignore[arg-type]
    (tmp_path / "token").write_text(task.token)
    gateway.start()
    try:
        yield Workplace(pod, gateway, workspace, task)
    finally:
        pod.close()
        gateway.end()
    for log in (pod.log, gateway.log):
        assert "Traceback" not in log.read_text(), log.read_text()


@contextmanager
def killed_at_random(place: Workplace, chance: random.Random) -> Iterator[list[float]]:
    """Yields the moments at which the agent was killed."""
    over = threading.Event()
    agent_died: list[float] = []
    kills = [place.kill_sidecar, place.kill_agent, place.kill_agent, place.kill_gateway]

    def kill() -> None:
        for _ in range(KILLS):
            if chance.random() < AFTER_RECOVERY:
                wait_ready()
            if over.wait(chance.uniform(0.0, 1.5)):
                return
            one = chance.choice(kills)
            if one == place.kill_agent:
                agent_died.append(time.monotonic())
            one(chance)

    def wait_ready() -> None:
        deadline = time.monotonic() + PATIENCE
        while not (over.wait(0.05) or place.is_ready()):
            assert time.monotonic() < deadline, "it does not recover"

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield agent_died
    finally:
        over.set()
        killer.join()


@dataclass(frozen=True)
class Delivered:
    """`began` is the start of the attempt that was answered."""

    in_doubt: bool
    began: float
    ended: float


def deliver(pod: Pod, content: str, key: str) -> Delivered:
    """Repeats the request until it is delivered, like the operator."""

    def attempt() -> Delivered | None:
        began = time.monotonic()
        with pod.new_client(pod.gateway.key) as client:
            response = client.post(
                "/message",
                json={"content": content},
                headers={"Idempotency-Key": key},
                extensions={"sni_hostname": pod.uid},
            )
        assert response.status_code in (200, 409, 502), response.text
        if response.status_code != 200:
            return None
        return Delivered("inDoubt" in response.json(), began, time.monotonic())

    return until(f"{key} to be delivered", attempt, patience=PATIENCE)


@pytest.mark.parametrize("seed", SEEDS)
def test_each_input_is_typed_once_and_in_order(place: Workplace, seed: int) -> None:
    chance = random.Random(seed)
    pod = place.pod
    pod.start_agent()
    place.start_sidecar()
    contents = {f"uid-{number}": f"echo {number} >> typed; sleep 0.{number % 4}" for number in range(INPUTS)}
    with killed_at_random(place, chance) as agent_died:
        delivered = {key: deliver(pod, content, key) for key, content in contents.items()}
    assert not deliver(pod, "echo the end", "last").in_doubt

    typed = (pod.home / "typed").read_text().split()
    numbers = [int(word) for word in typed if word != "prompt"]
    assert numbers == sorted(set(numbers)), "typed twice, or out of order"
    assert typed.count("prompt") <= 1
    for number, fate in enumerate(delivered.values()):
        died = any(fate.began <= moment <= fate.ended + READ_WITHIN for moment in agent_died)
        assert number in numbers or fate.in_doubt or died, f"{number} is lost: {typed}"
    said = [content for role, content in pod.contents() if role == "user"]
    assert said == [PROMPT, *contents.values(), "echo the end"]

    journal = pod.journal()
    for kind in ("intent", "outcome"):
        keys = [record["key"] for record in journal if record["kind"] == kind and record["key"].startswith("input:")]
        assert keys == [f"input:{key}" for key in [*contents, "last"]], kind

    until("the last state", lambda: place.state() == ("Idle", "the end"), patience=PATIENCE)
    until("the newest snapshot", lambda: place.snapshot() == pod.messages(), patience=PATIENCE)
    again = {key: pod.post(content, key=key) for key, content in contents.items()}
    assert {key: "inDoubt" in answer.json() for key, answer in again.items()} == {
        key: fate.in_doubt for key, fate in delivered.items()
    }
    assert (pod.home / "typed").read_text().split() == typed
