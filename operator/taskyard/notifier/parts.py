"""What the workers of all sinks share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from taskyard.core.notifications.due import Notification
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.notifier.cache import Cache
from taskyard.notifier.metrics import Metrics
from taskyard.notifier.records import Records
from taskyard.notifier.senders import Senders
from taskyard.notifier.sink_status import SinkStatus


@dataclass(frozen=True)
class Parts:
    """`gave_up` records the Event of a notification that was given up, and raises ApiError when it has to be called
    again for that; it may be called more than once for one."""

    cache: Cache
    senders: Senders
    records: Records
    status: SinkStatus
    metrics: Metrics
    clock: Callable[[], datetime]
    gave_up: Callable[[NotifiedTask, SinkView, Notification, str], Awaitable[None]]
