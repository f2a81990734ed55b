"""Tells in an Event of the Task that a notification was given up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from taskyard.core import events
from taskyard.core.events import WARNING, Regarding
from taskyard.core.notifications.due import Notification
from taskyard.core.notifications.sink_view import SinkView
from taskyard.core.notifications.task_view import NotifiedTask
from taskyard.notifier.cluster import ApiError, Cluster, ConflictError, NotLeadingError

logger = logging.getLogger(__name__)

CONTROLLER = "taskyard.dev/notifier"
REASON = "NotificationFailed"
# What the API server answers, besides errors of its own, when the same request may be taken a moment later. 0: nothing.
NOT_NOW = (0, 408, 429)


class GivenUp:
    """One Event for a notification, however often it is called: its name is made of the notification's id."""

    def __init__(self, cluster: Cluster, instance: str, *, clock: Callable[[], datetime]) -> None:
        self._cluster = cluster
        self._instance = instance
        self._clock = clock

    async def __call__(self, task: NotifiedTask, sink: SinkView, notification: Notification, message: str) -> None:
        """Raises ApiError when another attempt may help. An Event that is refused is left out, with a line in the
        log."""
        note = f"Sink {sink.name} was not told of {notification.event} within a day: {message}"
        event = events.event(WARNING, REASON, "Notify", note)
        regarding = Regarding(task.namespace, task.name, task.uid)
        name = events.name(event, regarding, random=f"{sink.uid}-{notification.id}")
        manifest = events.manifest(
            event, regarding, name=name, instance=self._instance, at=self._clock(), controller=CONTROLLER
        )
        try:
            await self._cluster.record_event(manifest)
        except NotLeadingError:
            raise
        except ConflictError:
            return  # it is there already
        except ApiError as error:
            if error.status in NOT_NOW or error.status >= 500:
                raise
            logger.warning("task %s/%s: event %s is not written: %s", task.namespace, task.name, REASON, error)
