"""Since when a notification waits in vain, and when it is given up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from taskyard.api.vocabulary import NotificationEvent
from taskyard.core.notifications.due import Notification
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.waiting import GIVEN_UP_AFTER, given_up_at, waits_since
from taskyard.core.times import rfc3339
from unit.core.builders import at
from unit.core.notifications.notified import new_record, sink

HEALTHY = sink()


def failing(since: float) -> SinkView:
    """A sink whose receiver has taken nothing since then."""
    return sink(status={"failingSince": rfc3339(at(since))})


def notification(second: float, id_: str = "b") -> Notification:
    return Notification(id_, NotificationEvent.PAUSED, at(second), 2, new_record(HEALTHY))


@pytest.mark.parametrize(
    ("second", "receiver", "expected"),
    [
        pytest.param(10, HEALTHY, None, id="nothing has failed"),
        pytest.param(10, failing(5), 10, id="it happened while the receiver failed"),
        pytest.param(-100_000, failing(5), 5, id="it happened long before, and waited for nobody until then"),
    ],
)
def test_what_was_never_tried_waits_since_it_happened_or_the_receiver_failed(
    second: float, receiver: SinkView, expected: float | None
) -> None:
    since = at(expected) if expected is not None else None
    assert waits_since(notification(second), new_record(receiver), receiver) == since
    end = since + GIVEN_UP_AFTER if since is not None else None
    assert given_up_at(notification(second), new_record(receiver), receiver) == end


@pytest.mark.parametrize("receiver", [HEALTHY, failing(500)])
def test_what_was_tried_waits_since_the_record_says(receiver: SinkView) -> None:
    record = new_record(receiver).not_taken("b", "Paused", "not reached", since=at(20))
    assert waits_since(notification(10), record, receiver) == at(20)
    assert given_up_at(notification(10), record, receiver) == at(20) + timedelta(days=1)


def test_another_notification_of_the_task_has_its_own_day() -> None:
    record = new_record(HEALTHY).not_taken("b", "Paused", "not reached", since=at(20))
    assert waits_since(notification(30, "d"), record, HEALTHY) is None
    assert waits_since(notification(30, "d"), record, failing(0)) == at(30)
