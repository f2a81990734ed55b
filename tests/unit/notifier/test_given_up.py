"""The Event of a notification that was given up: one, whatever the API server answers in between."""

from __future__ import annotations

from typing import Any

import pytest

from taskyard.api.vocabulary import NotificationEvent
from taskyard.core.notifications.due import Notification
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.notifier.cluster import ApiError, Cluster, ConflictError, NotLeadingError
from taskyard.notifier.given_up import GivenUp
from unit.core.builders import NOW
from unit.core.notifications.notified import new_record, sink
from unit.notifier.telling import told_task

SINK = sink()
NOTIFICATION = Notification("id-1", NotificationEvent.PAUSED, NOW, 2, new_record(SINK))


class Events(Cluster):
    """Takes Events, or answers with an error."""

    def __init__(self, error: ApiError | None = None) -> None:
        self.error = error
        self.taken: list[dict[str, Any]] = []

    async def record_event(self, manifest: dict[str, Any]) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(manifest)


async def give_up(events: Events) -> None:
    told = GivenUp(events, "notifier-0", clock=lambda: NOW)
    await told(NotifiedTask.of(told_task()), SINK, NOTIFICATION, "it answered 500")


async def test_the_event_names_sink_event_and_cause_and_has_the_same_name_each_time() -> None:
    events = Events()
    await give_up(events)
    await give_up(events)
    first, second = events.taken
    assert first["metadata"]["name"] == second["metadata"]["name"]
    assert first["reason"] == "NotificationFailed" and first["type"] == "Warning"
    assert first["note"] == "Sink owner was not told of Paused within a day: it answered 500"
    assert first["reportingController"] == "taskyard.dev/notifier"


@pytest.mark.parametrize("status", [0, 408, 429, 500, 503, 504])
async def test_another_attempt_is_asked_for_where_it_may_help(status: int) -> None:
    with pytest.raises(ApiError):
        await give_up(Events(ApiError("POST", "not now", status=status)))


@pytest.mark.parametrize("status", [400, 403, 404, 422])
async def test_an_event_that_is_refused_is_left_out_with_a_line_in_the_log(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    await give_up(Events(ApiError("POST", "a policy forbids it", status=status)))
    assert "event NotificationFailed is not written" in caplog.text and "a policy forbids it" in caplog.text


async def test_one_that_is_there_already_is_well(caplog: pytest.LogCaptureFixture) -> None:
    await give_up(Events(ConflictError("POST", "it exists", status=409)))
    assert caplog.text == ""


async def test_a_process_that_does_not_lead_is_told_so() -> None:
    with pytest.raises(NotLeadingError):
        await give_up(Events(NotLeadingError("POST", "the Lease is lost")))
