"""A notification that nobody takes for a day is given up, in an Event of the Task and a metric."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from integration.notifier.namespacesinks import NamespaceSinks
from integration.notifier.notifierprocess import NotifierProcess
from integration.notifier.receivers import WebhookReceiver
from integration.notifier.toldtask import ToldTask
from kube import Kube
from taskyard.core import times

EVENTS = "/apis/events.k8s.io/v1/namespaces/{}/events"


def test_what_was_tried_for_a_day_is_given_up_and_the_next_is_told(
    kube: Kube, namespace: str, sinks: NamespaceSinks, receiver: WebhookReceiver, running: NotifierProcess
) -> None:
    """The day is moved: the Task's status says that the first attempt was a day ago."""
    sinks.add("hook", receiver.url, events=["Paused", "Resumed"])
    receiver.answer = 500
    before = running.metric("taskyard_notifications_given_up_total", type="Webhook")
    task = ToldTask(kube, namespace)
    task.start()
    task.stop()
    kube.wait("it fails", "tasks", namespace, "hello", lambda found: "failing" in task.told())
    told = task.told()
    assert "givenUp" not in told
    long_ago = times.rfc3339(datetime.now(UTC) - timedelta(days=1, minutes=1))
    task.write(notifications=[told | {"failing": told["failing"] | {"time": long_ago}}])
    kube.wait("it is given up", "tasks", namespace, "hello", lambda found: "givenUp" in task.told())
    given_up = task.told()
    assert given_up["givenUp"]["id"] == told["failing"]["id"] and given_up["givenUp"]["event"] == "Paused"
    assert "failing" not in given_up and given_up["build"] == 2
    assert running.metric("taskyard_notifications_given_up_total", type="Webhook") == before + 1
    (event,) = (one for one in kube.request("GET", EVENTS.format(namespace))["items"])
    assert (event["reason"], event["type"]) == ("NotificationFailed", "Warning")
    assert event["regarding"]["uid"] == task.uid
    assert event["reportingController"] == "taskyard.dev/notifier"
    assert "hook" in event["note"] and "Paused" in event["note"] and "500" in event["note"]
    receiver.answer = 200
    task.start("Resume")
    receiver.wait_for("hello", "Resumed", seconds=60)
    assert task.told()["givenUp"] == given_up["givenUp"]
