"""The sidecar as a process beside a real agent under taskyard-init: its start, its restarts and its end."""

from __future__ import annotations

import datetime
import hashlib
import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from unit.sidecar.authority import Authority
from unit.sidecar.gateway_app import POD_UID
from unit.sidecar.pod import OPERATOR, Pod, until

# Writes what is typed to a file and shows none of it, so that a delivery waits for a reaction for a while.
DEAF = ("bash", "-c", "printf 'ready> '; stty raw -echo; exec cat > received")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def intents(pod: Pod) -> list[str]:
    return [record["key"] for record in pod.journal() if record["kind"] == "intent"]


def test_prompt_is_typed_and_the_conversation_published_everywhere(pod: Pod) -> None:
    pod.gateway.prompt = "echo hello"
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    told = [("agent", "agent$"), ("user", "echo hello"), ("agent", "hello")]
    assert pod.contents() == told
    assert [(line["role"], line["content"]) for line in pod.transcribed()] == told
    assert {"time", "id", "role", "content"} == set(pod.transcribed()[0])
    until("the snapshot", lambda: {"messages": pod.messages()} in pod.gateway.snapshots)
    until("the idle state", lambda: pod.gateway.last_report.get("state") == "idle")
    assert pod.gateway.reports[-1] == {
        "app_slug": "taskyard",
        "state": "idle",
        "message": "hello",
        "uri": "",
        "prompt_sha256": sha256("echo hello"),
        "question": None,
        "starting": None,
    }
    assert pod.states() == [("working", ""), ("working", "echo hello"), ("idle", "hello")]
    assert pod.gateway.enrolments == [{"protocolVersions": [1], "sidecarVersion": "0.1.0"}]
    assert not (pod.state.stat().st_mode & 0o077)


def test_killed_sidecar_continues_where_it_was(pod: Pod) -> None:
    pod.gateway.prompt = "echo typed >> count"
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    pod.post("echo one; sleep 0.3; echo two", key="a")
    pod.kill_sidecar()
    pod.start_sidecar()
    pod.until_stable()
    told = [
        ("agent", "agent$"),
        ("user", "echo typed >> count"),
        ("agent", ""),
        ("user", "echo one; sleep 0.3; echo two"),
        ("agent", "one\ntwo"),
    ]
    assert pod.contents() == told
    assert [message["id"] for message in pod.messages()] == [0, 1, 2, 3, 4]
    assert (pod.home / "count").read_text() == "typed\n"
    assert pod.post("echo one; sleep 0.3; echo two", key="a").json() == {"ok": True}
    assert pod.contents() == told


def test_new_pod_keeps_the_conversation_and_types_an_edited_prompt(pod: Pod) -> None:
    pod.gateway.prompt = "echo first"
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    assert pod.stop_agent() in (0, 129, 137, 143)
    assert pod.kill_sidecar(signal.SIGTERM) == 0
    before = pod.gateway.snapshots[-1]["messages"]
    pod.gateway.prompt = "echo second"
    pod.start_agent()
    pod.start_sidecar()
    until("the second answer", lambda: pod.contents()[-1] == ("agent", "second"))
    assert pod.messages()[:3] == before
    assert pod.contents()[3:] == [("agent", "agent$"), ("user", "echo second"), ("agent", "second")]
    pod.until_stable()
    until("the new prompt's hash", lambda: pod.gateway.last_report.get("prompt_sha256") == sha256("echo second"))


def test_restarted_agent_does_not_get_the_prompt_again(pod: Pod) -> None:
    pod.gateway.prompt = "echo once >> count"
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    assert pod.agent is not None
    pod.agent.kill()
    pod.agent.wait()
    until("the agent to be unreachable", lambda: pod.health("/readyz").status_code == 503)
    assert pod.post("echo nobody", key="n").status_code == 502
    pod.start_agent()
    until("the agent to be back", lambda: pod.health("/readyz").status_code == 200)
    pod.until_stable()
    assert pod.post("echo back", key="n").json() == {"ok": True}
    pod.until_stable()
    assert pod.contents()[-3:] == [("agent", "agent$"), ("user", "echo back"), ("agent", "back")]
    assert (pod.home / "count").read_text() == "once\n"


@pytest.mark.parametrize("from_prompt", [True, False], ids=["the prompt", "a message"])
def test_what_was_typed_when_the_sidecar_was_killed_is_in_doubt_and_never_typed_again(
    pod: Pod, from_prompt: bool
) -> None:
    text = "remember me"
    received = pod.home / "received"
    pod.gateway.prompt = text if from_prompt else ""
    pod.start_agent(DEAF)
    pod.start_sidecar()
    if not from_prompt:
        pod.until_stable()
        threading.Thread(target=_post_in_vain, args=(pod, text), daemon=True).start()
    until("the typing", lambda: received.exists() and text in received.read_text())
    began = time.monotonic()
    assert pod.status() == "running"
    assert pod.messages()[-1]["content"] == text
    assert pod.post("something else", key="other").status_code == 409
    assert time.monotonic() - began < 1
    key = f"prompt:{sha256(text)}" if from_prompt else "input:uid"
    assert pod.journal()[-1]["kind"] == "intent"
    pod.kill_sidecar()
    pod.start_sidecar()
    pod.until_stable()
    if not from_prompt:
        assert pod.post(text, key="uid").json() == {"ok": True, "inDoubt": True}
        assert pod.post(text, key="uid").json() == {"ok": True, "inDoubt": True}
    assert received.read_text().count(text) == 1
    assert intents(pod) == [key]
    assert pod.journal()[-1] == {**pod.journal()[-1], "kind": "outcome", "key": key, "outcome": "in-doubt"}
    assert [content for role, content in pod.contents() if role == "user"] == [text]
    if from_prompt:
        until("the hash", lambda: pod.gateway.last_report.get("prompt_sha256") == sha256(text))


def _post_in_vain(pod: Pod, text: str) -> None:
    with pod.new_client(pod.gateway.key) as client, pytest.raises(Exception):  # noqa: B017
        client.post(
            "/message",
            json={"content": text, "type": "user"},
            headers={"Idempotency-Key": "uid"},
            extensions={"sni_hostname": POD_UID},
        )


def test_intent_whose_text_is_on_the_screen_counts_as_delivered(pod: Pod) -> None:
    """As if the sidecar had been killed right after Enter, before the outcome was on the disk."""
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    pod.post("echo seen >> count", key="uid")
    pod.until_stable()
    pod.kill_sidecar()
    journal = pod.state / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    assert "outcome" not in [json.loads(line)["kind"] for line in journal.read_text().splitlines()[:-1]]
    pod.start_sidecar()
    pod.until_stable()
    assert pod.post("echo seen >> count", key="uid").json() == {"ok": True}
    assert (pod.home / "count").read_text() == "seen\n"
    assert len(pod.messages()) == 3


def test_sidecar_retries_until_it_is_enrolled(pod: Pod) -> None:
    pod.gateway.refusals = [(409, {}), (409, {}), (429, {"Retry-After": "1"}), (503, {})]
    (pod.folder / "token").rename(pod.folder / "later")
    pod.start_agent()
    pod.start_sidecar()
    until("the probes", lambda: pod.health("/healthz").status_code == 200)
    assert pod.health("/readyz").text == "not enrolled yet\n"
    (pod.folder / "token").write_text("expired")
    time.sleep(0.6)
    (pod.folder / "later").rename(pod.folder / "token")
    until("readiness", lambda: pod.health("/readyz").status_code == 200)
    assert not pod.gateway.refusals


def test_signal_before_enrolment_ends_the_process_at_once(pod: Pod) -> None:
    pod.gateway.refusals = [(409, {})] * 100
    pod.start_sidecar()
    until("the probes", lambda: pod.health("/healthz").status_code == 200)
    assert pod.health("/prestop").text == "nothing to keep\n"
    began = time.monotonic()
    assert pod.kill_sidecar(signal.SIGTERM) == 0
    assert time.monotonic() - began < 2


def test_certificate_is_renewed_at_half_of_its_lifetime_and_served_at_once(pod: Pod) -> None:
    pod.gateway.life = datetime.timedelta(seconds=9)
    pod.start_agent()
    pod.start_sidecar()
    until("the listener", lambda: pod.status())
    first = _served_serial(pod)
    until("the renewal", lambda: len(pod.gateway.enrolments) == 2)
    until("the new certificate", lambda: _served_serial(pod) != first)
    pod.until_stable()


def _served_serial(pod: Pod) -> str:
    context = ssl.create_default_context(cadata=pod.gateway.authority.pem)
    with (
        socket.create_connection(("127.0.0.1", pod.port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=POD_UID) as connection,
    ):
        certificate = connection.getpeercert()
        assert certificate is not None
        return str(certificate["serialNumber"])


def test_sidecar_with_a_refused_token_enrols_again_and_loses_nothing(pod: Pod) -> None:
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    until("the first snapshot", lambda: pod.gateway.snapshots)
    old = pod.gateway.key
    pod.gateway.key, pod.gateway.token = "0" * 64, "another token"
    pod.gateway.failures = [503, 503]
    with pod.new_client(old) as client:
        client.post("/message", json={"content": "echo kept"}, extensions={"sni_hostname": POD_UID})
    pod.client.headers["Authorization"] = f"Bearer {pod.gateway.key}"
    until("the state", lambda: pod.gateway.last_report.get("message") == "kept")
    until("the snapshot", lambda: pod.gateway.snapshots[-1]["messages"][-1]["content"] == "kept")
    assert 401 in pod.gateway.seen_statuses
    assert pod.status() == "stable"


def test_end_of_the_pod_keeps_the_final_output(pod: Pod) -> None:
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    pod.post("echo working; sleep 60")
    until("the answer", lambda: pod.contents()[-1] == ("agent", "working"))
    began = time.monotonic()
    assert pod.health("/prestop").text == "ok\n"
    assert pod.gateway.snapshots[-1]["messages"][-1]["content"] == "working"
    taken = len(pod.gateway.snapshots)
    assert pod.health("/prestop").status_code == 200
    assert len(pod.gateway.snapshots) == taken
    pod.post("still here\r", kind="raw")
    until("the final output", lambda: "still here" in pod.contents()[-1][1])
    assert pod.kill_sidecar(signal.SIGTERM) == 0
    assert time.monotonic() - began < 5
    assert "still here" in pod.gateway.snapshots[-1]["messages"][-1]["content"]
    assert "still here" in pod.transcribed()[-1]["content"]


def test_only_the_kubelet_can_announce_the_end_of_the_pod(shared_pod: Pod) -> None:
    """Otherwise the agent, or another Pod where no NetworkPolicy applies, could freeze the agent's state or have
    snapshots stored without limit."""
    told, taken = len(shared_pod.gateway.reports), len(shared_pod.gateway.snapshots)
    for key in (None, "x", shared_pod.gateway.key):
        assert shared_pod.health("/prestop", hook_key=key).status_code == 403
    shared_pod.post("echo news")
    shared_pod.until_stable()
    until("the news", lambda: shared_pod.gateway.reports[told:] and shared_pod.states()[-1] == ("idle", "news"))
    until("its snapshot", lambda: len(shared_pod.gateway.snapshots) > taken)


def test_unavailable_gateway_does_not_delay_the_end(pod: Pod) -> None:
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    pod.gateway.failures = [503] * 100
    pod.post("echo unheard")
    began = time.monotonic()
    assert pod.health("/prestop").text == "snapshot not delivered\n"
    assert pod.kill_sidecar(signal.SIGTERM) == 0
    assert time.monotonic() - began < 4


def test_port_that_is_taken_is_waited_for(pod: Pod) -> None:
    with socket.create_server(("127.0.0.1", pod.port)):
        pod.start_agent()
        pod.start_sidecar()
        until("the error", lambda: pod.log.exists() and f"port {pod.port}: Address" in pod.log.read_text())
        assert pod.health("/readyz").status_code == 503
    pod.until_stable()


def test_a_port_that_another_process_has_only_bound_is_listened_on(pod: Pod) -> None:
    """Linux lets two sockets bind a port on which none listens; the first to listen gets it."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", pod.port))
        pod.start_agent()
        pod.start_sidecar()
        pod.until_stable()
        with pytest.raises(OSError, match="in use"):
            other.listen()
    assert pod.status() == "stable"


def test_memory_stays_small(pod: Pod) -> None:
    pod.start_agent()
    pod.start_sidecar(anew=True)
    pod.until_stable()
    pod.post("seq 1 20000")
    pod.until_stable()
    assert pod.sidecar is not None
    status = Path(f"/proc/{pod.sidecar.pid}/status").read_text()
    resident = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
    assert resident < 48 * 1024


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"TASKYARD_TOKEN_FILE": ""}, "environment variable TASKYARD_TOKEN_FILE is not set", id="missing"),
        pytest.param({"TASKYARD_CA_CERTIFICATE": "nonsense"}, "TASKYARD_CA_CERTIFICATE holds no usable", id="bad CA"),
        pytest.param({"TASKYARD_STATE_DIR": "/proc/state"}, "/proc/state: No such file or directory", id="no state"),
    ],
)
def test_a_setting_that_cannot_work_is_reported_in_one_line(
    authority: Authority, changes: dict[str, str], message: str
) -> None:
    environment = {
        "PYTHONPATH": str(OPERATOR),
        "TASKYARD_GATEWAY_URL": "https://127.0.0.1:1",
        "TASKYARD_CA_CERTIFICATE": authority.pem,
        "TASKYARD_TOKEN_FILE": "/nonexistent",
        "TASKYARD_TASK_NAME": "shell",
        "TASKYARD_TASK_NAMESPACE": "team",
        "TASKYARD_TASK_UID": "1",
        "TASKYARD_POD_UID": "2",
        "TASKYARD_BUILD_NUMBER": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", "from taskyard.sidecar.entry import main; main()"],
        env=environment | changes,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("taskyard-sidecar: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_large_libraries_are_not_loaded() -> None:
    script = "import sys, taskyard.sidecar.main; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": str(OPERATOR)}, capture_output=True, text=True, timeout=20
    )
    assert loaded.returncode == 0, loaded.stderr
    unwanted = {"pydantic", "kubernetes", "kopf", "cryptography", "fastapi", "rich", "pygments"}
    unwanted |= {"pyte", "wcwidth"}  # only where there is a terminal
    assert not unwanted & {name.partition(".")[0] for name in loaded.stdout.split()}
