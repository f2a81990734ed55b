"""Gateway, sidecar and agent fail at any moment: nothing is lost, nothing is done twice."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from unit.sidecar.gateway_app import POD_UID
from unit.sidecar.pod import Pod, until

# Takes pasted text, on a screen of its own, and says so once, before much output.
EARLY_MODES = r"""
import os, tty
tty.setraw(0)
os.write(1, b"\x1b[?1049h\x1b[?2004h")
for number in range(8000):
    os.write(1, b"\x1b[2;1Hdrawn %d times, each time with many words of text\x1b[K" % number)
line = b""
while True:
    os.write(1, b"\x1b[4;1H\x1b[K> " + line)
    key = os.read(0, 1).replace(b"\x1b", b"^").replace(b"\t", b"|")
    line += key
    if key == b"\r":
        os.write(1, b"\x1b[6;1Htaken: " + line[:-1])
        line = b""
"""
SEEDS = range(int(os.environ.get("TASKYARD_FIRST_SEED", "1")), int(os.environ.get("TASKYARD_LAST_SEED", "2")) + 1)
MESSAGES = 8


def test_a_gateway_that_was_unavailable_gets_the_last_state_and_the_newest_snapshot(pod: Pod) -> None:
    pod.start_agent()
    pod.start_sidecar()
    until("the first idle state", lambda: pod.states()[-1:] == [("idle", "")])
    told = len(pod.states())
    pod.gateway.stop()
    for number in range(3):
        pod.post(f"echo {number}")
        pod.until_stable()
    assert pod.health("/prestop").text == "snapshot not delivered\n"
    time.sleep(2)
    taken = len(pod.gateway.snapshots)
    pod.gateway.start()
    until("the last state", lambda: pod.states()[told:] == [("idle", "2")])
    until("the newest snapshot", lambda: pod.gateway.snapshots[taken:])
    assert pod.gateway.snapshots[taken:] == [{"messages": pod.messages()}]
    pod.post("echo and on")
    until("news", lambda: pod.states()[-1] == ("idle", "and on"))


def test_an_unavailable_gateway_is_not_called_too_often(pod: Pod) -> None:
    pod.start_agent()
    pod.start_sidecar()
    until("the first idle state", lambda: pod.states()[-1:] == [("idle", "")])
    until("the first snapshot", lambda: pod.gateway.snapshots)
    pod.gateway.failures = [503] * 1000
    pod.post("for i in $(seq 40); do echo $i; sleep 0.1; done")
    until("the end", lambda: "40" in pod.messages()[-1]["content"])
    asked = 1000 - len(pod.gateway.failures)
    assert asked < 14, f"{asked} calls in some 4 s"


def test_what_the_program_said_of_its_terminal_long_ago_is_known_after_a_restart(pod: Pod) -> None:
    """T14: taskyard-init has no more of the output in which the program asked for pasted text."""
    pod.start_agent(("python3", "-c", EARLY_MODES))
    pod.start_sidecar()
    pod.until_stable()
    pod.kill_sidecar()
    pod.start_sidecar()
    pod.until_stable()
    pod.post("a\tb", key="uid-1").raise_for_status()
    until("the paste", lambda: "taken: ^[200~a|b^[201~" in pod.screen())


@contextmanager
def killed_at_random(pod: Pod, chance: random.Random) -> Iterator[None]:
    """Kills the sidecar repeatedly, without warning, and restarts it as the kubelet would."""
    over = threading.Event()

    def kill() -> None:
        while not over.wait(chance.uniform(0.0, 6.0)):
            pod.kill_sidecar()
            pod.start_sidecar()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join()


def deliver(pod: Pod, content: str, name: str, *, applied_again: bool = False) -> bool:
    """Retries until the message is delivered, as the operator does; returns whether it is in doubt. `applied_again`:
    each time it is another object of that name, with a UID of its own."""
    uids = (f"{name}-{number}" for number in itertools.count())

    def attempt() -> httpx.Response | None:
        key = next(uids) if applied_again else name
        with pod.new_client(pod.gateway.key) as client:
            response = client.post(
                "/message",
                json={"content": content},
                headers={"Idempotency-Key": key, "Taskyard-Input": name},
                extensions={"sni_hostname": POD_UID},
            )
        assert response.status_code in (200, 409, 502), response.text
        return response if response.status_code == 200 else None

    delivered = until(f"{name} to be delivered", attempt, patience=60)
    assert delivered is not None
    return "inDoubt" in delivered.json()


@pytest.mark.parametrize("applied_again", [pytest.param(False, id="one object"), pytest.param(True, id="many")])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_sidecar_killed_at_any_moment_delivers_once_and_in_order(pod: Pod, seed: int, applied_again: bool) -> None:
    """K3 for many objects of one name, one after the other."""
    chance = random.Random(seed)
    pod.gateway.prompt = "echo prompt >> count"
    pod.start_agent()
    pod.start_sidecar()
    with killed_at_random(pod, chance):
        doubted = {
            number: deliver(
                pod, f"sleep 0.{number % 4}; echo {number} >> count", f"uid-{number}", applied_again=applied_again
            )
            for number in range(MESSAGES)
        }
    pod.until_stable()
    done = (pod.home / "count").read_text().split()
    assert done[0] == "prompt"
    assert sorted(done[1:]) == done[1:], "out of order"
    for number, doubt in doubted.items():
        assert done.count(str(number)) == 1 or (doubt and done.count(str(number)) == 0), f"{number} in {done}"
    assert done.count("prompt") == 1
    said = [content for role, content in pod.contents() if role == "user"]
    assert len(said) == len(set(said)) == MESSAGES + 1
    assert [message["id"] for message in pod.messages()] == list(range(len(pod.messages())))


def test_what_the_home_has_had_is_not_typed_again_for_an_object_of_another_uid(pod: Pod) -> None:
    """K3, K7: the inputs were restored with the home, in another Pod, or were removed and applied again."""
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    pod.post("echo said >> count", key="uid-1", name="hello").raise_for_status()
    pod.until_stable()
    pod.post("echo keys >> count\r", key="uid-2", name="keys", kind="raw").raise_for_status()
    until("the keystrokes' effect", lambda: (pod.home / "count").read_text() == "said\nkeys\n")
    pod.kill_sidecar()
    pod.stop_agent()
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    again = [
        pod.post("echo said >> count", key="uid-3", name="hello"),
        pod.post("echo keys >> count\r", key="uid-4", name="keys", kind="raw"),
    ]
    assert [answer.json() for answer in again] == [{"ok": True, "deliveredBefore": True}] * 2
    assert pod.post("echo said >> count", key="uid-1", name="hello").json() == {"ok": True}
    for content, name in (("more", "hello"), ("said", "hello-2"), ("keys", "keys"), ("said", None)):
        answer = pod.post(f"echo {content} >> count", key=f"uid-of-{content}-{name}", name=name)
        assert answer.json() == {"ok": True}, f"{content} as {name} is another input"
        pod.until_stable()
    assert (pod.home / "count").read_text().split() == ["said", "keys", "more", "said", "keys", "said"]


def test_a_home_without_its_journal_has_had_nothing(pod: Pod) -> None:
    """K3: without a claim the journal ends with the Pod."""
    pod.start_agent()
    pod.start_sidecar()
    pod.until_stable()
    pod.post("echo said >> count", key="uid-1", name="hello").raise_for_status()
    pod.until_stable()
    pod.kill_sidecar()
    (pod.state / "journal.jsonl").unlink()
    pod.start_sidecar()
    pod.until_stable()
    assert pod.post("echo said >> count", key="uid-2", name="hello").json() == {"ok": True}
    pod.until_stable()
    assert (pod.home / "count").read_text() == "said\nsaid\n"


def test_a_message_that_is_being_typed_when_the_sidecar_ends_is_no_fault(pod: Pod) -> None:
    """Its second line waits for the shell, for longer than the client does."""
    pod.start_agent(("dash", "-i"))
    pod.start_sidecar()
    pod.until_stable()
    with pytest.raises(httpx.ReadTimeout):
        pod.client.post(
            "/message",
            json={"content": "sleep 60\necho later", "type": "user"},
            extensions={"sni_hostname": pod.uid},
            timeout=2,
        )
    pod.kill_sidecar(15)
    assert "Traceback" not in pod.log.read_text()
