"""The catalogue of texts: each event says Task, display name, what happened, why, and where to look."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taskyard.api.vocabulary import NotificationEvent
from taskyard.core.notifications import texts
from taskyard.core.notifications.due import Notification
from unit.core.builders import at
from unit.core.notifications.notified import EVENTS, new_record, notified, sink

TASK = notified()
LINK = "https://tasks.test/tasks/team/web"


def notification(event: str, **fields: str) -> Notification:
    return Notification("id", NotificationEvent(event), at(0), 1, new_record(sink()), **fields)


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_a_title_and_a_sentence_with_the_task(event: str) -> None:
    text = texts.text(notification(event, reason="idle timeout", message="its words"), TASK, link=LINK)
    assert text.title.startswith("Mend the door: ")
    assert text.body.splitlines()[0].count("team/web") == 1
    assert text.body.splitlines()[1:] == ["its words", LINK]
    assert "{" not in text.title + text.body


@pytest.mark.parametrize(
    ("found", "title", "body"),
    [
        pytest.param(
            notification("Idle", message="The door is mended", uri="https://x.test/pull/1"),
            "Mend the door: the agent is idle",
            "The agent of Task team/web waits for a message.\nThe door is mended\nhttps://x.test/pull/1",
            id="a state with its message and its link",
        ),
        pytest.param(
            notification("Complete"), "Mend the door: done", "The work of Task team/web is done.", id="Complete"
        ),
        pytest.param(
            notification("Paused", reason="idle timeout"),
            "Mend the door: paused",
            "Task team/web is paused (idle timeout).",
            id="a pause with its reason",
        ),
        pytest.param(
            notification("Paused"),
            "Mend the door: paused",
            "Task team/web is paused (no reason is known).",
            id="a pause without one",
        ),
        pytest.param(
            notification("InputRequired", message="May I? Answer with a TaskInput that has this id: q-1"),
            "Mend the door: the agent asks",
            "The agent of Task team/web waits for a person.\nMay I? Answer with a TaskInput that has this id: q-1",
            id="a question with how to answer it",
        ),
    ],
)
def test_what_it_says(found: Notification, title: str, body: str) -> None:
    assert texts.text(found, TASK, link="") == texts.Text(title, body)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("Mend\r\nBcc: all@x.test", id="a line feed"),
        pytest.param("Mend\x1b[31m Bcc: all@x.test", id="an escape sequence"),
        pytest.param("Mend\u2028Bcc: all@x.test", id="a line separator"),
    ],
)
def test_a_title_has_one_line(given: str) -> None:
    title = texts.text(notification("Idle"), replace(TASK, title=given), link="").title
    assert title == "Mend Bcc: all@x.test: the agent is idle"


def test_words_in_braces_are_words() -> None:
    text = texts.text(notification("Idle", message="{title} {0} %s"), replace(TASK, title="{task}"), link="")
    assert (text.title, text.body.splitlines()[1]) == ("{task}: the agent is idle", "{title} {0} %s")


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        pytest.param(None, "", id="none"),
        pytest.param("https://tasks.test", LINK, id="a base"),
        pytest.param("https://tasks.test/", LINK, id="a base with a slash"),
        pytest.param("https://x.test/a", "https://x.test/a/tasks/team/web", id="a base with a path"),
    ],
)
def test_the_link(links: str | None, expected: str) -> None:
    assert texts.link(links, "team", "web") == expected


def test_a_test_message_names_the_sink() -> None:
    assert texts.test_text("team", "owner").body == "NotificationSink team/owner can be reached."
