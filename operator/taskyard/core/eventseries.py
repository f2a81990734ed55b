"""Recent events: repetitions become a count, and a Task that flaps gets fewer events. Memory is bounded."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from taskyard.core.events import Event, Regarding
from taskyard.core.tokenbucket import Rate, TokenBucket

# The same event within this time (since it was last seen) raises a count instead of becoming a new Event.
WINDOW_SECONDS = 600.0
# A start and a stop make about ten events; a Task that flaps gets six a minute after its burst.
EACH_TASK = Rate(per_second=0.1, burst=25)
REMEMBERED_EVENTS = 2048
REMEMBERED_TASKS = 4096


@dataclass
class Series:
    """One event and its repetitions. `written` of its `count` are stored under `name`; `waits` is true while
    a write is due."""

    name: str
    regarding: Regarding
    event: Event
    first_at: datetime
    last_at: datetime
    seen: float
    count: int = 1
    written: int = 0
    waits: bool = False


class Held(Enum):
    """Why an event is not written now."""

    # It is told once, and was.
    TOLD = auto()
    # A later write of its series counts it.
    COUNTED = auto()
    # The Task has used up its rate: the event is dropped.
    LIMITED = auto()


class EventSeries:
    """Takes events and says which of them to write. `now` is in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._series: OrderedDict[tuple[str, Event], Series] = OrderedDict()
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._series)

    def take(self, regarding: Regarding, event: Event, *, name: str, at: datetime, now: float) -> Series | Held:
        """The series to write now, or why none is written. `name` is used if this becomes a new Event."""
        key = (regarding.uid, event)
        series = self._series.get(key)
        if series is not None and event.once:
            self._series.move_to_end(key)
            return Held.TOLD
        if series is not None and now - series.seen < WINDOW_SECONDS:
            self._series.move_to_end(key)
            series.count, series.last_at, series.seen = series.count + 1, at, now
            if series.waits or not self._allow(regarding.uid, now):
                return Held.COUNTED
            series.waits = True
            return series
        if not self._allow(regarding.uid, now):
            return Held.LIMITED
        series = Series(name, regarding, event, first_at=at, last_at=at, seen=now, waits=True)
        self._series[key] = series
        self._series.move_to_end(key)
        if len(self._series) > REMEMBERED_EVENTS:
            self._series.popitem(last=False)
        return series

    def forget(self, series: Series) -> None:
        """Forget a series that could not be written: the next event of its kind starts a new one."""
        key = (series.regarding.uid, series.event)
        if self._series.get(key) is series:
            del self._series[key]

    def _allow(self, uid: str, now: float) -> bool:
        bucket = self._buckets.get(uid)
        if bucket is None:
            bucket = self._buckets[uid] = TokenBucket(EACH_TASK, now)
            if len(self._buckets) > REMEMBERED_TASKS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(uid)
        if bucket.wait(now):
            return False
        bucket.take()
        return True
