"""The catalogue of texts: what a notification says to people, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from taskyard.api.vocabulary import NotificationEvent
from taskyard.core import text_sanitizer
from taskyard.core.notifications.due import Notification
from taskyard.core.notifications.task_view import NotifiedTask

_TITLES = {
    NotificationEvent.WORKING: "{title}: the agent works",
    NotificationEvent.IDLE: "{title}: the agent is idle",
    NotificationEvent.COMPLETE: "{title}: done",
    NotificationEvent.FAILED: "{title}: failed",
    NotificationEvent.PAUSED: "{title}: paused",
    NotificationEvent.RESUMED: "{title}: resumed",
    NotificationEvent.INPUT_REQUIRED: "{title}: the agent asks",
    NotificationEvent.ERROR: "{title}: error",
}
_SENTENCES = {
    NotificationEvent.WORKING: "The agent of Task {task} works.",
    NotificationEvent.IDLE: "The agent of Task {task} waits for a message.",
    NotificationEvent.COMPLETE: "The work of Task {task} is done.",
    NotificationEvent.FAILED: "The agent of Task {task} reports that it has failed.",
    NotificationEvent.PAUSED: "Task {task} is paused ({reason}).",
    NotificationEvent.RESUMED: "Task {task} is resumed.",
    NotificationEvent.INPUT_REQUIRED: "The agent of Task {task} waits for a person.",
    NotificationEvent.ERROR: "Task {task} is in Error ({reason}).",
}
TEST_TITLE = "A test message"
TEST_SENTENCE = "NotificationSink {sink} can be reached."


@dataclass(frozen=True, slots=True)
class Text:
    """What people read: a title of one line, and lines of plain text."""

    title: str
    body: str


def text(notification: Notification, task: NotifiedTask, *, link: str) -> Text:
    """What is told of a Task."""
    name = f"{task.namespace}/{task.name}"
    sentence = _SENTENCES[notification.event].format(task=name, reason=notification.reason or "no reason is known")
    lines = [sentence, notification.message, notification.uri, link]
    title = _TITLES[notification.event].format(title=text_sanitizer.one_line(task.title))
    return Text(title, "\n".join(line for line in lines if line))


def test_text(namespace: str, sink: str) -> Text:
    """What a test message says."""
    return Text(TEST_TITLE, TEST_SENTENCE.format(sink=f"{namespace}/{sink}"))


def link(links: str | None, namespace: str, task: str) -> str:
    """The address of the page that shows a Task; empty without one."""
    return f"{links.rstrip('/')}/tasks/{namespace}/{task}" if links else ""
