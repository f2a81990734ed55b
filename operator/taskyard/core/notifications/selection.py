"""What a sink has selected since when: nothing is told of what was before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from taskyard.api.vocabulary import NotificationEvent
from taskyard.core import times
from taskyard.core.api_object import Manifest
from taskyard.core.notifications.label_selector import LabelSelector
from taskyard.limits import MAX_SELECTIONS


@dataclass(frozen=True, slots=True)
class Selection:
    """Events, and the labels of Tasks, that a sink has selected from a moment on, until the next selection."""

    since: datetime
    events: frozenset[NotificationEvent]
    selector: LabelSelector

    @classmethod
    def of(cls, entry: Manifest) -> Selection:
        """From an entry of `status.selections`."""
        events = frozenset(map(NotificationEvent, entry["events"]))
        return cls(times.parse(entry["since"]), events, LabelSelector.of(entry.get("selector")))

    def selects(self, event: NotificationEvent, labels: Mapping[str, str]) -> bool:
        return event in self.events and self.selector.selects(labels)


def selected_since(
    selections: Sequence[Selection], event: NotificationEvent, labels: Mapping[str, str]
) -> datetime | None:
    """Since when an event of Tasks with these labels has been selected without a break; None when it is not, or when
    no selection is known. `selections` are in their order, the present one last."""
    since = None
    for selection in reversed(selections):
        if not selection.selects(event, labels):
            break
        since = selection.since
    return since


def with_selection(stored: Sequence[Manifest], present: Manifest, *, since: datetime) -> list[Manifest]:
    """`status.selections` with one more; the oldest are dropped. `present` has `events` and, perhaps, `selector`."""
    return [*stored, {"since": times.rfc3339(since), **present}][-MAX_SELECTIONS:]
