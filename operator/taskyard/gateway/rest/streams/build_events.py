"""The log of a build while it goes on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from taskyard.gateway.http.websocket import Ping
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.streams.stream_access import AccessLostError, StreamAccess
from taskyard.gateway.rest.views import vocabulary
from taskyard.gateway.rest.views import workspace as workspace_view
from taskyard.gateway.rest.views.build_log import ENDED, build_log

_LOOK_SECONDS = 0.25


async def follow(
    cache: Cache, access: StreamAccess, stopping: asyncio.Event, task: TaskView, number: int, *, after: int
) -> AsyncIterator[dict[str, Any] | Ping | None]:
    """The entries of a build's log after the id `after`, until the build has ended, it or its Task is gone, or the
    caller may no longer see it; None while there is nothing new, and a ping with each check of that."""
    while not stopping.is_set():
        found = cache.task((task.namespace, task.name))
        if found is None or found.uid != task.uid:
            return
        if number < vocabulary.build_number(found) and number not in cache.builds_of(found):
            return
        build = workspace_view.build(cache, found, number)
        for entry in build_log(build):
            if entry["id"] > after:
                after = entry["id"]
                yield entry
        if build["job"]["status"] in ENDED:
            return
        if not access.due_in:
            try:
                sees, _ = await access.of_task(found, last=(True, True))
            except AccessLostError:
                return
            if not sees:
                return
            yield Ping()
        yield None
        await asyncio.sleep(_LOOK_SECONDS)
