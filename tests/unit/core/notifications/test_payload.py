"""What a notification says to programs: attributes of CloudEvents 1.0, and data that its schema describes."""

from __future__ import annotations

from typing import Any

import pytest
from cloudevents.core.v1.event import CloudEvent

from taskyard.core import times
from taskyard.core.notifications import payload
from taskyard.core.notifications.due import Notification
from unit.core.builders import TASK_UID, at, reservation
from unit.core.notifications.notified import EVENTS, SINK_UID, asked, fault, notified, sink, start, state, stop, tell

LINKED = sink(links="https://tasks.test/")
EVERYTHING = {
    **{
        name: (
            notified(state=state(name, 9, message="its words", uri="https://x.test/1")),
            [start(1)],
        )
        for name in ("Idle", "Complete", "Failed")
    },
    "Working": (notified(state=state("Working", 9), status={}), [start(1)]),
    "Paused": (notified(reservation(2, "Stop", "AutoPause", "Succeeded")), [start(1), stop(2, "AutoPause")]),
    "Resumed": (notified(reservation(3, "Start", "Resume", "Succeeded")), [start(3, "Resume")]),
    "InputRequired": (notified(conditions=[asked(9, id_="q-1")]), [start(1)]),
    "Error": (notified(conditions=[fault(9)], phase="Error"), [start(1)]),
}
PARTS: dict[str, dict[str, Any]] = {
    "Working": {"state": {"state": "Working", "message": "", "uri": ""}},
    **{
        name: {"state": {"state": name, "message": "its words", "uri": "https://x.test/1"}}
        for name in ("Idle", "Complete", "Failed")
    },
    "Paused": {"pauseReason": "idle timeout"},
    "Resumed": {},
    "InputRequired": {"question": {"id": "q-1"}},
    "Error": {"error": {"reason": "StartFailed", "message": "The image cannot be pulled"}},
}


def one(event: str) -> Notification:
    """A notification of this event, as the rules make it. The sink is younger than the Task, and the first Working is
    therefore told."""
    task, builds = EVERYTHING[event]
    (found,), _ = tell(task, builds, sink(events=[event], created=-1))
    return found


@pytest.mark.parametrize("event", EVENTS)
def test_the_data_has_what_belongs_to_the_event_and_nothing_else(event: str) -> None:
    task, _ = EVERYTHING[event]
    data = payload.data(one(event), task, LINKED)
    text = data.pop("text")
    if "question" in data:
        assert data["question"].pop("message").endswith("spec.answers: q-1")
    assert set(text) == {"title", "body"}
    assert data == {
        "event": event,
        "task": {"namespace": "team", "name": "web", "uid": TASK_UID, "displayName": "Mend the door"},
        "build": one(event).build,
        "link": "https://tasks.test/tasks/team/web",
        **PARTS[event],
    }


@pytest.mark.parametrize("event", EVENTS)
def test_the_attributes_are_those_of_a_cloud_event(event: str) -> None:
    task, _ = EVERYTHING[event]
    found = payload.attributes(one(event), task)
    assert found["type"] == f"dev.taskyard.task.{event.lower()}"
    assert (found["source"], found["subject"]) == ("/apis/taskyard.dev/namespaces/team/tasks/web", "team/web")
    # The library refuses what the specification does not allow.
    CloudEvent(attributes={**found, "time": times.parse(found["time"])}, data={})


def test_without_links_there_is_no_link() -> None:
    assert "link" not in payload.data(one("Idle"), EVERYTHING["Idle"][0], sink())


def test_a_test_message_is_of_the_sink() -> None:
    found = payload.test_attributes(sink(), "an-id", times.micro(at(0)))
    assert (found["type"], found["id"]) == ("dev.taskyard.sink.test", "an-id")
    assert found["source"] == "/apis/taskyard.dev/namespaces/team/notificationsinks/owner"
    CloudEvent(attributes={**found, "time": times.parse(found["time"])}, data={})
    data = payload.test_data(sink())
    assert (data["event"], data["sink"]) == ("Test", {"namespace": "team", "name": "owner", "uid": SINK_UID})
