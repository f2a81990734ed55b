"""Sinks that hang or fail: they hold up no other, are tried later each time, and get what is still true in the end."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest

from integration.notifier.namespacesinks import NamespaceSinks
from integration.notifier.notifierprocess import NotifierProcess
from integration.notifier.receivers import SIGNING_SECRET, WebhookReceiver
from integration.notifier.toldtask import ToldTask
from kube import Kube, condition


@pytest.fixture
def bad() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as running:
        yield running


@pytest.mark.parametrize("fault", ["hangs", "answers 500"])
def test_a_sink_that_hangs_or_fails_holds_up_no_other(
    kube: Kube,
    namespace: str,
    sinks: NamespaceSinks,
    receiver: WebhookReceiver,
    bad: WebhookReceiver,
    running: NotifierProcess,
    fault: str,
) -> None:
    if fault == "hangs":
        bad.hangs.set()
    else:
        bad.answer = 500
    sinks.add("bad", bad.url, events=["Paused", "Resumed"])
    sinks.add("hook", receiver.url, events=["Paused", "Resumed"])
    tasks = [ToldTask(kube, namespace, f"t{number}") for number in range(3)]
    for task in tasks:
        task.start()
        task.stop()
    began = time.monotonic()
    for task in tasks:
        receiver.wait_for(task.name, "Paused", seconds=10)
    assert time.monotonic() - began < 10
    bad.wait("the bad one is asked", lambda: bad.attempts)
    assert bad.taken == []
    for task in tasks:
        task.start("Resume")
    for task in tasks:
        receiver.wait_for(task.name, "Paused", "Resumed", seconds=10)
    bad.hangs.clear()
    bad.answer = 200
    for task in tasks:
        bad.wait_for(task.name, "Paused", "Resumed", seconds=60)
        kube.wait(
            "nothing fails any more",
            "tasks",
            namespace,
            task.name,
            lambda found: all("failing" not in entry for entry in found["status"]["notifications"]),
        )


@pytest.mark.parametrize("status", [422, 413])
def test_a_message_that_is_refused_by_itself_holds_up_no_other_task(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, running: NotifierProcess, status: int
) -> None:
    sinks.add("hook", receiver.url, events=["Paused", "Resumed"])
    receiver.answer = lambda event: status if event["data"]["task"]["name"] == "bad" else 200
    bad = ToldTask(kube, namespace, "bad")
    bad.start()
    bad.stop()
    receiver.wait("it is refused four times", lambda: len(receiver.attempts) == 4, seconds=40)
    assert str(status) in sinks.wait_ready("DeliveryFailed") and "failingSince" not in sinks.get()["status"]
    tasks = [ToldTask(kube, namespace, f"t{number}") for number in range(3)]
    for task in tasks:
        task.start()
        task.stop()
        # It would be at least six seconds, by the back-off of the one that is refused.
        receiver.wait_for(task.name, "Paused", seconds=5)
    sinks.wait_ready("Delivered")
    assert str(status) in bad.told()["failing"]["message"] and receiver.of("bad") == []
    bad.start("Resume")
    receiver.answer = 200
    receiver.wait_for("bad", "Paused", "Resumed", seconds=60)


def test_the_back_off_grows_and_what_is_told_then_is_what_is_still_true(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, running: NotifierProcess
) -> None:
    sinks.add("hook", receiver.url)
    receiver.answer = 503
    failed = running.metric("taskyard_notifications_failed_total", type="Webhook")
    task = ToldTask(kube, namespace)
    task.start()
    task.report("Idle", "first")
    receiver.wait("four attempts", lambda: len(receiver.attempts) == 4, seconds=40)
    moments = [one.at for one in receiver.attempts]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    # Each is the double of the one before, less at most three tenths.
    for gap, most in zip(gaps, (1, 2, 4), strict=True):
        assert 0.65 * most < gap < most + 1.5, gaps
    assert len({one.id for one in receiver.attempts}) == 1, "a repetition has the same id"
    failing = task.told()["failing"]
    assert (failing["id"], failing["event"]) == (receiver.attempts[0].id, "Idle")
    assert "503" in failing["message"]
    ready = condition(sinks.get(), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "DeliveryFailed") and "503" in ready["message"]
    assert running.metric("taskyard_notifications_failed_total", type="Webhook") >= failed + 4
    task.report("Complete", "second")
    task.stop()
    receiver.answer = 200
    receiver.wait_for("hello", "Complete", "Paused", seconds=60)
    kube.wait("it is told", "tasks", namespace, "hello", lambda found: "failing" not in task.told())
    sinks.wait_ready("Delivered")


def test_what_failed_and_is_no_longer_true_is_no_longer_called_failing(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, running: NotifierProcess
) -> None:
    sinks.add("hook", receiver.url)
    task = ToldTask(kube, namespace)
    task.start()
    task.report("Idle")
    receiver.wait_for("hello", "Idle")
    receiver.answer = 500
    task.report("Working")
    kube.wait("it fails", "tasks", namespace, "hello", lambda found: "failing" in task.told())
    # As it was told before.
    task.report("Idle")
    kube.wait("nothing fails", "tasks", namespace, "hello", lambda found: "failing" not in task.told())
    assert receiver.of("hello") == ["Idle"]


def test_a_sink_that_changes_is_tried_at_once(
    kube: Kube,
    namespace: str,
    sinks: NamespaceSinks,
    receiver: WebhookReceiver,
    bad: WebhookReceiver,
    running: NotifierProcess,
) -> None:
    """While the attempt at its former address still hangs, too."""
    bad.hangs.set()
    sinks.add("hook", bad.url, events=["Paused"])
    sinks.secret("better", **{"url": receiver.url, "signing-secret": SIGNING_SECRET})
    sinks.grant("better")
    task = ToldTask(kube, namespace)
    task.start()
    task.stop()
    bad.wait("it is asked", lambda: bad.attempts)
    sinks.patch("hook", {"spec": {"secretRef": {"name": "better"}}})
    # Fifteen seconds for the attempt that hangs, and no wait after it.
    receiver.wait_for("hello", "Paused", seconds=20)
    assert len(bad.attempts) == 1


@pytest.mark.usefixtures("running")
def test_a_receiver_that_asks_for_time_gets_it(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    sinks.add("hook", receiver.url, events=["Paused"])
    receiver.answer, receiver.retry_after = 429, "6"
    task = ToldTask(kube, namespace)
    task.start()
    task.stop()
    receiver.wait("it is asked", lambda: receiver.attempts)
    receiver.answer = 200
    receiver.wait_for("hello", "Paused")
    assert receiver.attempts[1].at - receiver.attempts[0].at >= 5.5
