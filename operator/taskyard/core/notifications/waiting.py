"""For how long a notification waits for a receiver that does not take it, and when it is given up."""

from __future__ import annotations

from datetime import datetime, timedelta

from taskyard.core import times
from taskyard.core.notifications.due import Notification
from taskyard.core.notifications.record import Record
from taskyard.core.notifications.sink_view import SinkView

GIVEN_UP_AFTER = timedelta(days=1)


def waits_since(notification: Notification, record: Record, sink: SinkView) -> datetime | None:
    """Since when a notification waits in vain; None while nothing has failed. One that was tried has that in the
    record. One that waits behind others has it from what happened, or from when the receiver failed, if that is later:
    what happened before waited for nobody until then.
    """
    failing = record.failing
    if failing is not None and failing.id == notification.id:
        return times.parse(failing.since)
    return max(notification.at, sink.failing_since) if sink.failing_since is not None else None


def given_up_at(notification: Notification, record: Record, sink: SinkView) -> datetime | None:
    """When a notification is given up, whether it was tried or not; None while nothing has failed."""
    since = waits_since(notification, record, sink)
    return since + GIVEN_UP_AFTER if since is not None else None
