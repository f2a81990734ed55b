"""The data of a notification's CloudEvent; `api/notification.py` has its schema."""

from __future__ import annotations

from taskyard.api import GROUP
from taskyard.api.vocabulary import NotificationEvent
from taskyard.core import times
from taskyard.core.api_object import Manifest
from taskyard.core.notifications import texts
from taskyard.core.notifications.due import OF_STATE, Notification
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask

TYPE_PREFIX = "dev.taskyard.task."
TEST_TYPE = "dev.taskyard.sink.test"


def attributes(notification: Notification, task: NotifiedTask) -> dict[str, str]:
    """The attributes of the event, CloudEvents 1.0."""
    return {
        "id": notification.id,
        "source": f"/apis/{GROUP}/namespaces/{task.namespace}/tasks/{task.name}",
        "type": TYPE_PREFIX + notification.event.lower(),
        "subject": f"{task.namespace}/{task.name}",
        "time": times.micro(notification.at),
    }


def data(notification: Notification, task: NotifiedTask, sink: SinkView) -> Manifest:
    """What happened, for programs, and `text` for people. Fields that say nothing are absent."""
    link = texts.link(sink.links, task.namespace, task.name)
    text = texts.text(notification, task, link=link)
    found: Manifest = {
        "event": notification.event.value,
        "task": {"namespace": task.namespace, "name": task.name, "uid": task.uid, "displayName": task.title},
        "build": notification.build,
        "text": {"title": text.title, "body": text.body},
    }
    if notification.event in OF_STATE.values():
        found["state"] = {"state": notification.event.value, "message": notification.message, "uri": notification.uri}
    elif notification.event is NotificationEvent.INPUT_REQUIRED:
        found["question"] = {"id": notification.question, "message": notification.message}
    elif notification.event is NotificationEvent.PAUSED:
        found["pauseReason"] = notification.reason
    elif notification.event is NotificationEvent.ERROR:
        found["error"] = {"reason": notification.reason, "message": notification.message}
    if link:
        found["link"] = link
    return found


def test_attributes(sink: SinkView, id_: str, at: str) -> dict[str, str]:
    """The attributes of a test message."""
    source = f"/apis/{GROUP}/namespaces/{sink.namespace}/notificationsinks/{sink.name}"
    return {"id": id_, "source": source, "type": TEST_TYPE, "subject": f"{sink.namespace}/{sink.name}", "time": at}


def test_data(sink: SinkView) -> Manifest:
    """What a test message says."""
    text = texts.test_text(sink.namespace, sink.name)
    return {
        "event": NotificationEvent.TEST.value,
        "sink": {"namespace": sink.namespace, "name": sink.name, "uid": sink.uid},
        "text": {"title": text.title, "body": text.body},
    }
