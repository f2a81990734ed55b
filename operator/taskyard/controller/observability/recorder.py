"""Writes Events about Tasks, versions and inputs, apart from the work itself: a fault here never holds up a Task."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from taskyard import backoff
from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import ApiError, Cluster, ConflictError, MissingError, NotLeadingError, Object
from taskyard.core import events, refusal
from taskyard.core.build_view import BuildView
from taskyard.core.events import Event, Regarding
from taskyard.core.eventseries import EventSeries, Held, Series
from taskyard.core.input_view import InputView
from taskyard.core.observed import Obstacle
from taskyard.core.refusal import Attempt
from taskyard.core.resources import EVENTS
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView

logger = logging.getLogger(__name__)

MAX_QUEUED = 1000
TRIES = 3
BATCH_SECONDS = 0.5
RETRY_FIRST_SECONDS = 0.5
MAX_RETRY_SECONDS = 1.0


class Drop(StrEnum):
    """Why an Event was not written."""

    QUEUE_FULL = "QueueFull"
    LIMITED = "Limited"
    FAILED = "Failed"


class Recorder:
    """Observes the stores of Tasks, builds and template versions, and writes what happened as Events.

    Nothing is recorded before `run`: what existed when the operator started is not a change. `dropped` is called with
    the cause for each Event that will not be written. `instance` names this process. Events are written in batches, and
    wait while `is_busy` says that Tasks do: under load they are the first that is left out.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        instance: str,
        clock: Callable[[], datetime],
        dropped: Callable[[str], None],
        is_busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._is_busy = is_busy
        self._cluster = cluster
        self._instance = instance
        self._clock = clock
        self._dropped = dropped
        self._series = EventSeries()
        self._queue: asyncio.Queue[Series] = asyncio.Queue(MAX_QUEUED)
        self._runs = False

    def observe_stores(self, stores: Stores) -> None:
        """Observe the changes of Tasks, builds and template versions."""
        stores.tasks.observe(self.task_changed)
        stores.builds.observe(self.build_changed)
        stores.template_versions.observe(self.version_changed)

    def task_changed(self, previous: TaskView | None, task: TaskView) -> None:
        """Record what happened to a Task whose newest state was stored. Never raises, never waits."""
        if previous is None or not self._runs or task.deleting:
            return
        self._record(Regarding.of(task), events.of_task(previous.status, task.status))

    def build_changed(self, previous: BuildView | None, build: BuildView) -> None:
        """Record the end of a build whose newest state was stored. Never raises, never waits."""
        uid = build.owner
        if previous is None or uid is None or not self._runs:
            return
        self._record(Regarding(build.namespace, build.task, uid), events.of_build(previous, build))

    def version_changed(self, previous: TemplateVersionView | None, version: TemplateVersionView) -> None:
        """Record what happened to a template version whose newest state was stored. Never raises, never waits."""
        if previous is None or not self._runs or version.deleting or previous.uid != version.uid:
            return
        regarding = Regarding(version.namespace, version.name, version.uid, kind="TemplateVersion")
        self._record(regarding, events.of_version(previous.status, version.status))

    def input_refused(self, entry: InputView, obstacle: Obstacle) -> None:
        """Record that the API server refuses what is written into an input's status. Never raises, never waits."""
        if self._runs:
            regarding = Regarding(entry.namespace, entry.name, entry.uid, kind="TaskInput")
            self._record(regarding, [events.input_refused(obstacle)])

    async def run(self) -> None:
        """Write Events until cancelled."""
        self._runs = True
        try:
            while True:
                first = await self._queue.get()
                # Repetitions meanwhile are counted in the same write.
                await asyncio.sleep(BATCH_SECONDS)
                await self._write(first)
                while not self._queue.empty() and not self._is_busy():
                    await self._write(self._queue.get_nowait())
        finally:
            self._runs = False

    def _record(self, regarding: Regarding, found: list[Event]) -> None:
        now, at = asyncio.get_running_loop().time(), self._clock()
        for event in found:
            name = events.name(event, regarding, random=secrets.token_hex(8))
            series = self._series.take(regarding, event, name=name, at=at, now=now)
            if series is Held.LIMITED:
                self._dropped(Drop.LIMITED)
            if isinstance(series, Held):
                continue
            try:
                self._queue.put_nowait(series)
            except asyncio.QueueFull:
                self._give_up(series, Drop.QUEUE_FULL)

    async def _write(self, series: Series) -> None:
        """Store a series as it is now. If an attempt was stored though no response came, the next one finds it by its
        name."""
        for attempt in range(1, TRIES + 1):
            series.waits, count = False, series.count
            try:
                await self._store(series, count)
                series.written = count
                return
            except ApiError as error:
                if error.is_namespace_terminating or isinstance(error, MissingError | NotLeadingError):
                    logger.debug("events of %s: %s", called(series), error)
                    self._series.forget(series)
                    return
                is_passing = error.status in (0, 429) or error.status >= 500
                is_refused = refusal.of(error.answer, Attempt("create", "Event", series.name)) is not None
                if is_refused or not is_passing or attempt == TRIES:
                    logger.warning("%s: event %s is not written: %s", called(series), series.event.reason, error)
                    self._give_up(series, Drop.FAILED)
                    return
                delay = backoff.delay(attempt - 1, first=RETRY_FIRST_SECONDS, longest=MAX_RETRY_SECONDS)
                await asyncio.sleep(delay)
            except Exception:
                logger.exception("%s: defect", called(series))
                self._give_up(series, Drop.FAILED)
                return

    async def _store(self, series: Series, count: int) -> None:
        if series.written:
            try:
                await self._cluster.patch(EVENTS, series.regarding.namespace, series.name, repeated(series, count))
                return
            except MissingError:
                # Events live for an hour. One that repeats later is created again, under the same name.
                pass
        manifest = events.manifest(
            series.event, series.regarding, name=series.name, instance=self._instance, at=series.first_at
        )
        if count > 1:
            manifest |= repeated(series, count)
        try:
            await self._cluster.create(EVENTS, manifest)
        except ConflictError as error:
            if error.reason != "AlreadyExists":
                raise

    def _give_up(self, series: Series, cause: Drop) -> None:
        self._series.forget(series)
        self._dropped(cause)


def called(series: Series) -> str:
    """What an Event is about, for the log."""
    of = series.regarding
    return f"{of.kind.lower()} {of.namespace}/{of.name}"


def repeated(series: Series, count: int) -> Object:
    """The part of an Event that counts its repetitions."""
    return {"series": events.series(count=count, at=series.last_at)}
