"""A malicious agent that is root in its container: its attacks from inside a real Pod, and their results.

It controls its own part of the Pod: it may end its conversation, and its Task. It gets no key and no token, reaches no
other Task, and every message is delivered to the agent alone, once.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import manifests
from e2e.kubectl_namespace import KubectlNamespace
from kube import Kube, phase_is
from taskyard.core.security.certificates import issue_serving_certificate, new_authority
from taskyard.core.security.keyring import keyring_from
from taskyard.core.security.keys import pod_key

Object = dict[str, Any]
ATTACKS = Path(__file__).parent / "attacks"
SYSTEM, POD = "taskyard", "hello-1"
SIDECAR = "taskyard-sidecar"
LIMIT_KIB = 192 * 1024


class TrustedPod:
    """The agent's Pod, the secrets of its sidecar, and the agent's attacks."""

    def __init__(self, ns: KubectlNamespace) -> None:
        self.ns = ns
        pod = ns.kube.get("pods", ns.name, POD)
        keys = ns.kube.get("secrets", SYSTEM, "taskyard-keys")
        assert pod is not None and keys is not None
        self.uid: str = pod["metadata"]["uid"]
        self.key = pod_key(keyring_from(keys["data"]).master_key, self.uid)
        self.token = ns.kubectl("exec", POD, "-c", SIDECAR, "--", "cat", "/var/run/secrets/taskyard/token").strip()
        assert len(self.token) > 100

    @property
    def secrets(self) -> list[str]:
        # Only the signature of a token is secret; the rest is in every log of its reviews.
        return [self.key, self.token, self.token.rpartition(".")[2]]

    def run(self, attack: str, given: object = None) -> Any:
        """Runs an attack to its end and returns its output."""
        source = (ATTACKS / f"{attack}.py").read_text()
        command = ["exec", "-i", POD, "--container", "agent", "--", "python3", "-c", source]
        return json.loads(self.ns.kubectl(*command, stdin=json.dumps(given)))

    @contextmanager
    def running(self, attack: str, given: object) -> Iterator[queue.Queue[Object]]:
        """Runs an attack until the block ends; yields its events."""
        source = (ATTACKS / f"{attack}.py").read_text()
        process = self.ns.start("exec", "-i", POD, "--container", "agent", "--", "python3", "-c", source)
        assert process.stdin and process.stdout
        output, events = process.stdout, queue.Queue[Object]()

        def read() -> None:
            for line in output:
                events.put(json.loads(line))

        threading.Thread(target=read, daemon=True).start()
        process.stdin.write(json.dumps(given) + "\n")
        process.stdin.flush()
        try:
            yield events
        finally:
            process.stdin.close()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

    def inside(self, container: str, script: str) -> str:
        """The output of a shell in a container."""
        return self.ns.kubectl("exec", POD, "--container", container, "--", "bash", "-c", script)

    def sidecar(self) -> Object:
        """The container's status."""
        pod = self.ns.kube.get("pods", self.ns.name, POD)
        assert pod is not None
        (found,) = (s for s in pod["status"]["initContainerStatuses"] if s["name"] == SIDECAR)
        return dict(found)

    def logs(self) -> str:
        """All logs: of this Pod's containers, including earlier ones, of operator and gateway."""
        own = [
            self.ns.kubectl("logs", POD, *which)
            for which in (["--all-containers"], ["--container", SIDECAR, "--previous"])
        ]
        system = self.ns.kubectl(
            "logs", "--namespace", SYSTEM, "--selector", "app.kubernetes.io/name=taskyard", "--tail=-1", "--prefix"
        )
        return "\n".join([*own, system])


def root_version(image: str) -> Object:
    """An agent that is root, with all capabilities of root in a container except raw sockets."""
    version = manifests.template_version(image=image)
    spec = version["spec"]["pod"]["spec"]
    spec["securityContext"] = {"runAsUser": 0}
    (agent,) = spec["containers"]
    agent["imagePullPolicy"] = "IfNotPresent"
    agent["securityContext"] = {"allowPrivilegeEscalation": True, "capabilities": {"drop": ["NET_RAW"]}}
    return version


@pytest.fixture(scope="module")
def trusted(installation: Path, kube: Kube) -> Iterator[TrustedPod]:
    ns = KubectlNamespace(installation, kube, f"e2e-{uuid.uuid4().hex[:8]}")
    ns.create()
    # Restricted Pod Security would not allow it to be root.
    kube.patch_namespace(ns.name, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "baseline"}}})
    image = ns.kubectl(
        "get", "deployment", "taskyard-operator", "--namespace", SYSTEM,
        "--output=jsonpath={.spec.template.spec.containers[0].image}",
    )  # fmt: skip
    ns.apply(root_version(image), manifests.task(prompt=""), manifests.task("victim", prompt=""))
    for name in ("hello", "victim"):
        ns.wait_state("Idle", task=name)
    yield TrustedPod(ns)
    ns.remove()


def test_root_in_the_agents_container_finds_neither_key_nor_token(trusted: TrustedPod) -> None:
    # A secret that it may find, to prove that it searches.
    trusted.inside("agent", "echo canary-4711 > /home/agent/canary")
    found = trusted.run("search", [*trusted.secrets, "canary-4711"])
    assert found["user"] == 0
    assert found["looked_at"] > 50 and found["holders"] == ["/home/agent/canary"]
    assert not [command for command in found["commands"] if "taskyard-sidecar" in command]
    mounts = set(found["mounts"])
    assert "/home/agent" in mounts and "/taskyard/run" in mounts
    assert not [mount for mount in mounts if mount.startswith(("/var/lib/taskyard", "/var/run", "/run/secrets"))]
    pod = json.dumps(trusted.ns.kube.get("pods", trusted.ns.name, POD))
    assert not [secret for secret in trusted.secrets if secret in pod]
    assert trusted.ns.kube.get("networkpolicies", trusted.ns.name, "taskyard-tasks") is not None


def test_without_the_key_every_port_refuses_and_only_its_own_task_can_be_reported_on(trusted: TrustedPod) -> None:
    ns = trusted.ns
    before = ns.kube.get("tasks", ns.name, "victim")
    victim = ns.kube.get("pods", ns.name, "victim-1")
    assert before is not None and victim is not None
    build = f"{ns.name}/victim-1"
    given = {
        "pod_uid": trusted.uid,
        "gateway": f"taskyard-gateway.{SYSTEM}.svc",
        # Even its own Pod's key would not be valid for another Pod.
        "tokens": [f"{build}/{victim['metadata']['uid']}.{key}" for key in ("0" * 64, trusted.key)]
        + [f"{build}/{trusted.uid}.{trusted.key}"],
        "replayed": trusted.key,
        "victim": "victim",
        "victim_ip": victim["status"]["podIP"],
    }
    answers = trusted.run("keyless", given)
    assert len(answers) > 60
    for what, answer in answers:
        assert not [secret for secret in trusted.secrets if secret in answer], what
        kind = what.split()[0]
        if kind == "plain":
            assert not answer.startswith("HTTP/"), f"{what}: {answer}"
        elif kind in ("no", "wrong", "gateway"):
            assert answer.startswith("HTTP/1.1 401 "), f"{what}: {answer}"
        elif kind == "hook":
            assert answer.startswith("HTTP/1.1 403 "), f"{what}: {answer}"
        elif what == "reports from elsewhere":
            assert answer == "ConnectionRefusedError"
    ns.wait("its own report is accepted", lambda s: s["state"].get("message") == "forged")
    after = ns.kube.get("tasks", ns.name, "victim")
    assert after is not None and after["status"]["state"] == before["status"]["state"]
    assert "outputs" not in after["status"]


def test_a_flood_is_refused_and_the_sidecar_uses_little_memory(trusted: TrustedPod) -> None:
    found = trusted.run("flood")
    assert found["unclosed"] == 0
    refusals = {status: count for status, count in found["statuses"].items() if status not in ("200", "closed")}
    assert refusals and all(status.startswith("4") for status in refusals), found["statuses"]
    assert {"401", "413", "429"} <= refusals.keys()
    assert trusted.sidecar()["restartCount"] == 0
    status = trusted.inside(SIDECAR, "cat /proc/1/status")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak < LIMIT_KIB / 2, f"{peak} KiB at most"
    trusted.ns.say("after", "echo after the flood")
    trusted.ns.kube.wait("the next message is delivered", "taskinputs", trusted.ns.name, "after", phase_is("Delivered"))


LINKS = """
set -e
cd /taskyard/run
mv agent.sock elsewhere.sock; ln -s elsewhere.sock agent.sock
for target in /var/lib/taskyard /var/lib/taskyard/journal.jsonl /var/run/secrets/taskyard/token /etc; do
  for name in journal.jsonl conversation.jsonl uploads prompt.txt token sidecar home; do
    ln -sfn $target /taskyard/run/$name; ln -sfn $target /home/agent/$name
  done
done
ln -sfn ../sidecar /home/agent/sidecar; ln -sfn / /home/agent/root
if touch /taskyard/bin/new 2>/dev/null || ln /taskyard/bin/taskyard-init /home/agent/init 2>/dev/null; then exit 1; fi
"""


def test_an_impostor_on_the_ports_of_a_restarting_sidecar_gets_nothing(trusted: TrustedPod) -> None:
    ns = trusted.ns
    trusted.inside("agent", LINKS)
    journal, folders = "cat /var/lib/taskyard/journal.jsonl", "ls -A /var/lib/taskyard /etc"
    before, there = trusted.inside(SIDECAR, journal), trusted.inside(SIDECAR, folders)
    now = datetime.now(UTC)
    # The best possible certificate that is not signed by the installation's own authority.
    certificate = issue_serving_certificate(new_authority(now), dns_names=[trusted.uid], now=now, lifetime=timedelta(1))
    calls: list[Object] = []
    with trusted.running("impostor", {"pem": certificate.key_pem + certificate.certificate_pem}) as events:
        assert events.get(timeout=20) == {"event": "waiting"}
        ns.kill_sidecar(POD)
        taken: set[int] = set()
        while taken != {8484, 8486}:
            event = events.get(timeout=20)
            if event["event"] == "taken":
                taken.add(event["port"])
            else:
                calls.append(event)
        ns.say("once", "echo once >> /home/agent/count")
        calls.append(events.get(timeout=60))
        waiting = ns.kube.wait(
            "the input waits, and says why",
            "taskinputs",
            ns.name,
            "once",
            lambda i: "certificate" in i.get("status", {}).get("message", ""),
        )
        assert waiting["status"]["phase"] == "Queued"
    while not events.empty():
        calls.append(events.get())
    assert calls
    for call in calls:
        assert call["outcome"].startswith("TLS: ") and call["heard"] == "", call

    ns.kube.wait("it is delivered", "taskinputs", ns.name, "once", phase_is("Delivered"), seconds=60)
    ns.wait_state("Idle")
    assert trusted.inside("agent", "cat /home/agent/count") == "once\n"
    assert trusted.sidecar()["restartCount"] == 1
    # The links had no effect: the sidecar's files are intact, with the new message appended, and nothing else.
    after = trusted.inside(SIDECAR, journal)
    assert after.startswith(before)
    new = [json.loads(line) for line in after.removeprefix(before).splitlines()]
    key = f"input:{waiting['metadata']['uid']}"
    assert [(entry["kind"], entry["key"]) for entry in new] == [("intent", key), ("outcome", key)]
    assert trusted.inside(SIDECAR, folders) == there
    logs = trusted.logs()
    assert "echo after the flood" in logs and "NetworkPolicy taskyard-tasks: created" in logs
    assert not [secret for secret in trusted.secrets if secret in logs]


def test_only_the_kubelet_can_announce_a_pods_end(trusted: TrustedPod) -> None:
    """The tests above show that others cannot."""
    ns = trusted.ns
    before = ns.kube.get("tasks", ns.name, "victim")
    assert before is not None
    ns.pause(True, task="victim")
    after = ns.wait("it is paused", lambda s: s["phase"] == "Paused", task="victim")
    assert after["status"]["state"] == before["status"]["state"]
    reasons = {event["reason"] for event in ns.kube.list("events", ns.name)}
    assert "Killing" in reasons and "FailedPreStopHook" not in reasons
