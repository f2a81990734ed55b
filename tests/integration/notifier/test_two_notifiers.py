"""Two notifiers, of which one tells: killed, suspended, woken, asked to end."""

from __future__ import annotations

import threading
import time
from typing import Any

from integration.chart.installation import NAMESPACE
from integration.notifier.conftest import Enter
from integration.notifier.namespacesinks import NamespaceSinks
from integration.notifier.notifierprocess import LEASE, NotifierProcess
from integration.notifier.receivers import WebhookReceiver
from integration.notifier.toldtask import ToldTask
from kube import Kube

DURATION = 4.0
SHORT = {
    "TASKYARD_LEASE_DURATION": f"{DURATION:.0f}s",
    "TASKYARD_LEASE_RENEW_DEADLINE": "3s",
    "TASKYARD_LEASE_RETRY_PERIOD": "0.3s",
}


def pair(enter: Enter) -> tuple[NotifierProcess, NotifierProcess]:
    """One that leads, and one that is ready to."""
    one, two = enter("one", **SHORT), enter("two", **SHORT)
    one.begin()
    two.start(alone=False)
    two.wait_ready()
    return one, two


def test_the_second_goes_on_where_a_killed_one_was(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, enter: Enter
) -> None:
    one, two = pair(enter)
    sinks.add("hook", receiver.url, events=["Paused", "Resumed"])
    task = ToldTask(kube, namespace)
    task.start()
    task.stop()
    receiver.wait_for("hello", "Paused")
    kube.wait("it is on record", "tasks", namespace, "hello", lambda found: task.told().get("build") == 2)
    assert (one.metric("taskyard_notifier_leader"), two.metric("taskyard_notifier_leader")) == (1, 0)
    one.kill()
    began = time.monotonic()
    task.start("Resume")
    receiver.wait_for("hello", "Paused", "Resumed", seconds=15)
    assert time.monotonic() - began > 1, "nobody takes a Lease that may still be held"
    assert len(receiver.attempts) == 2
    assert two.metric("taskyard_notifier_leader") == 1


def test_one_that_was_suspended_past_its_lease_writes_nothing_when_it_wakes(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, enter: Enter
) -> None:
    """Its last message is taken only then."""
    one, two = pair(enter)
    sinks.add("hook", receiver.url, events=["Paused"])
    first, answered = threading.Event(), threading.Event()

    def answer(event: dict[str, Any]) -> int:
        if not first.is_set():
            first.set()
            answered.wait(30)
        return 204

    receiver.answer = answer
    task = ToldTask(kube, namespace)
    task.start()
    task.stop()
    assert first.wait(10)
    one.suspend()
    receiver.wait("the other one tells it", lambda: receiver.taken, seconds=20)
    kube.wait("it is on record", "tasks", namespace, "hello", lambda found: task.told().get("build") == 2)
    sinks.wait_ready("Delivered")
    before = task.version, sinks.get()["metadata"]["resourceVersion"]
    one.wake()
    answered.set()
    assert one.wait_status() == 1, one.log
    time.sleep(0.5)
    assert (task.version, sinks.get()["metadata"]["resourceVersion"]) == before
    assert len({attempt.id for attempt in receiver.taken}) == 1
    assert "Traceback" not in one.log and "the notifier ends" in one.log, one.log
    assert two.is_running and "Traceback" not in two.log


def test_one_that_is_asked_to_end_hands_over_at_once(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, enter: Enter
) -> None:
    """Also while a receiver hangs."""
    one, two = pair(enter)
    sinks.add("hook", receiver.url, events=["Paused"])
    receiver.hangs.set()
    task = ToldTask(kube, namespace)
    task.start()
    task.stop()
    receiver.wait("it is told", lambda: receiver.attempts)
    began = time.monotonic()
    assert one.stop() == 0
    assert time.monotonic() - began < 5
    two.wait_leading(DURATION * 0.75)
    lease = kube.get("leases", NAMESPACE, LEASE)
    assert lease is not None and str(lease["spec"]["holderIdentity"]).startswith("two_")
    receiver.hangs.clear()
    receiver.wait_for("hello", "Paused")
    assert len({attempt.id for attempt in receiver.attempts}) == 1
