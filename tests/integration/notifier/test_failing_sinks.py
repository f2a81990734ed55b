"""Sinks that hang or fail: they hold up no other, are tried later each time, and get what is still true in the end."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from integration.notifier.namespacesinks import NamespaceSinks
from integration.notifier.notifierprocess import NotifierProcess
from integration.notifier.receivers import MAIL_PORT, SIGNING_SECRET, WebhookReceiver
from integration.notifier.silentserver import SilentServer
from integration.notifier.toldtask import ToldTask
from kube import Kube, condition

# Less than an attempt at a server that hangs takes: five seconds, where there is not even a connection.
PROMPT_SECONDS = 3.0


@pytest.fixture
def bad() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as running:
        yield running


@pytest.fixture
def silent() -> Iterator[dict[str, SilentServer]]:
    """Servers that never answer, by their sinks: what reads all, what takes no connection, what shakes no hands, a mail
    server that does not greet, and a service that shakes no hands either."""
    with ExitStack() as stack:
        found = {
            "reads": SilentServer(accepts=True),
            "takes-none": SilentServer(accepts=False),
            "no-tls": SilentServer(accepts=True),
            "no-greeting": SilentServer(accepts=True, port=MAIL_PORT),
            "no-service": SilentServer(accepts=True),
        }
        for server in found.values():
            stack.enter_context(server)
        yield found


@pytest.mark.usefixtures("running")
def test_sinks_whose_servers_never_answer_hold_up_no_other(
    kube: Kube,
    namespace: str,
    sinks: NamespaceSinks,
    receiver: WebhookReceiver,
    bad: WebhookReceiver,
    silent: dict[str, SilentServer],
) -> None:
    """All of them at once, while each hangs in its first attempt."""
    bad.hangs.set()
    only_pauses = ["Paused"]
    sinks.add("bad", bad.url, events=only_pauses)
    for name, scheme in (("reads", "http"), ("takes-none", "http"), ("no-tls", "https")):
        sinks.add(name, f"{scheme}://127.0.0.1:{silent[name].port}/hook", events=only_pauses)
    mail = f"mailto://127.0.0.1:{MAIL_PORT}?from=taskyard@example.com&to=owner@example.com"
    sinks.add("no-greeting", mail, type_="Apprise", events=only_pauses)
    service = f"ntfys://127.0.0.1:{silent['no-service'].port}/topic"
    sinks.add("no-service", service, type_="Apprise", events=only_pauses)
    first = ToldTask(kube, namespace, "first")
    first.start()
    first.stop()
    bad.wait("all of them hang", lambda: bad.attempts and all(server.has_clients for server in silent.values()))
    sinks.add("hook", receiver.url, events=["Paused", "Resumed"])
    for number in range(3):
        task = ToldTask(kube, namespace, f"t{number}")
        task.start()
        for do, *expected in ((task.stop, "Paused"), (lambda task=task: task.start("Resume"), "Paused", "Resumed")):
            do()
            done = time.monotonic()
            receiver.wait_for(task.name, *expected)
            assert receiver.taken[-1].at - done < PROMPT_SECONDS
    assert bad.taken == []
    assert {entry["sink"] for entry in first.status.get("notifications", ()) if "sent" in entry} <= {"hook"}


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
    for task in tasks:
        receiver.wait_for(task.name, "Paused", seconds=10)
    bad.wait("the bad one is asked", lambda: bad.attempts)
    assert bad.taken == []
    for task in tasks:
        task.start("Resume")
    for task in tasks:
        receiver.wait_for(task.name, "Paused", "Resumed", seconds=10)
    bad.hangs.clear()
    bad.answer = 200
    # All is tried at once then, and not after the back-off.
    sinks.ask_for_test("now", "bad")
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
    receiver.wait("three attempts", lambda: len(receiver.attempts) == 3, seconds=40)
    moments = [one.at for one in receiver.attempts]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    # Each is the double of the one before, less at most three tenths.
    for gap, most in zip(gaps, (1, 2), strict=True):
        assert 0.65 * most < gap < most + 1.5, gaps
    assert len({one.id for one in receiver.attempts}) == 1, "a repetition has the same id"
    failing = task.told()["failing"]
    assert (failing["id"], failing["event"]) == (receiver.attempts[0].id, "Idle")
    assert "503" in failing["message"]
    ready = condition(sinks.get(), "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "DeliveryFailed") and "503" in ready["message"]
    assert running.metric("taskyard_notifications_failed_total", type="Webhook") >= failed + 3
    task.report("Complete", "second")
    task.stop()
    receiver.answer = 200
    sinks.ask_for_test("now")
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
    """While the attempt at its former address still hangs, too: what that asks for in the end does not count."""
    patched = threading.Event()

    def answer(event: dict[str, Any]) -> int:
        patched.wait(30)
        return 503

    bad.answer, bad.retry_after = answer, "600"
    sinks.add("hook", bad.url, events=["Paused"])
    sinks.secret("better", **{"url": receiver.url, "signing-secret": SIGNING_SECRET})
    sinks.grant("better")
    task = ToldTask(kube, namespace)
    task.start()
    task.stop()
    bad.wait("it is asked", lambda: bad.asked)
    sinks.patch("hook", {"spec": {"secretRef": {"name": "better"}}})
    time.sleep(0.5)
    patched.set()
    receiver.wait_for("hello", "Paused", seconds=20)
    assert len(bad.attempts) == 1


def test_a_sink_that_waits_for_its_next_attempt_is_tried_at_once_when_it_changes(
    kube: Kube,
    namespace: str,
    sinks: NamespaceSinks,
    receiver: WebhookReceiver,
    bad: WebhookReceiver,
    running: NotifierProcess,
) -> None:
    bad.answer, bad.retry_after = 503, "600"
    sinks.add("hook", bad.url, events=["Paused"])
    task = ToldTask(kube, namespace)
    task.start()
    task.stop()
    sinks.wait_ready("DeliveryFailed")
    sinks.change_secret("hook", url=receiver.url)
    sinks.patch("hook", {"spec": {"maxPerMinute": 30}})
    receiver.wait_for("hello", "Paused", seconds=20)
    assert len(bad.attempts) == 1


@pytest.mark.usefixtures("running")
def test_a_receiver_that_asks_for_time_gets_it(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver
) -> None:
    sinks.add("hook", receiver.url, events=["Paused"])
    receiver.answer, receiver.retry_after = 429, "3"
    task = ToldTask(kube, namespace)
    task.start()
    task.stop()
    receiver.wait("it is asked", lambda: receiver.attempts)
    receiver.answer = 200
    receiver.wait_for("hello", "Paused")
    assert receiver.attempts[1].at - receiver.attempts[0].at >= 2.7
