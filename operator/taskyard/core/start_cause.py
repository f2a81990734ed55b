"""Which of a Pod's Events tells why it does not start.

The kubelet and the controllers of volumes tell some faults there and nowhere else: a volume that cannot be mounted or
attached, a sandbox that cannot be made, and after a while what the registry answered. Events are repeated as long
as a fault lasts, and kept for an hour: one that something later has overtaken says nothing any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from taskyard.core import text_limits, times
from taskyard.core.text_sanitizer import one_line

Manifest = dict[str, Any]

FAILED_PULL = "Failed"
# A fault that lasts is told again well within this time: the kubelet tries a volume again after two minutes at the
# latest, and slows its Events about one Pod down to one in five minutes. Only that another node has a volume is told
# just once.
FRESH = timedelta(minutes=15)

# What a Pod reaches one after the other; an Event of a later stage means that the earlier ones are over.
_PULLING = "Pulling"
_PROGRESS = frozenset({_PULLING, "Pulled", "Created", "Started"})
_ATTACHED = "SuccessfulAttachVolume"
_FAILED_ATTACH = "FailedAttachVolume"
_MULTI_ATTACH = "multi-attach error"
_VOLUME = re.compile(r'for volume "([^"]+)"')
# Warnings that hold nothing up, or that are over once the Pod has a node.
_HARMLESS = frozenset(
    {"FailedScheduling", "DNSConfigForming", "FailedToRetrieveImagePullSecret", "BackOff", "Preempting"}
)
# The nearer to the cause, the lower: a volume that is not attached cannot be mounted either.
_RANKS = {_FAILED_ATTACH: 0, "FailedMount": 1, "FailedMapVolume": 1, "FailedCreatePodSandBox": 2, FAILED_PULL: 3}
_OTHER_RANK = 4
# Says that something failed, and not what: it comes beside an Event that does.
_VAGUE = re.compile(r"timed out waiting for the condition|context deadline exceeded|^Error: \w+$")
_REASON = re.compile(r"^[A-Za-z][A-Za-z0-9]{0,127}$")


@dataclass(frozen=True)
class StartCause:
    """Why a Pod does not start: the Event's reason and its note in one line."""

    reason: str
    note: str


@dataclass(frozen=True)
class Reading:
    """What the Events of the object with this UID said, a Pod or a claim. `number` counts how often they were read.
    Without a `cause`, `progress` is what the kubelet is at, empty if nothing tells; `refusal` is why they could not be
    read, empty if they could."""

    uid: str
    at: datetime
    number: int
    cause: StartCause | None = None
    progress: str = ""
    refusal: str = ""


@dataclass(frozen=True)
class EventView:
    """An Event, `at` its last repetition."""

    type: str
    reason: str
    note: str
    at: datetime

    @classmethod
    def of(cls, event: Manifest) -> EventView:
        """From an Event of events.k8s.io/v1; those that were written by core/v1 have their times in `deprecated…`."""
        moments = (
            (event.get("series") or {}).get("lastObservedTime"),
            event.get("deprecatedLastTimestamp"),
            event.get("eventTime"),
            event["metadata"].get("creationTimestamp"),
        )
        return cls(
            type=event.get("type") or "",
            reason=event.get("reason") or "",
            note=text_limits.quoted(one_line(event.get("note") or "")),
            at=max(times.parse(moment) for moment in moments if moment),
        )

    @property
    def is_fault(self) -> bool:
        return (
            self.type == "Warning" and self.reason not in _HARMLESS and bool(_REASON.match(self.reason) and self.note)
        )


def start_cause(events: Iterable[EventView], *, now: datetime) -> StartCause | None:
    """The fault that holds up a Pod's start; None when the Events name none."""
    known = list(events)
    begun_at = max((event.at for event in known if event.reason in _PROGRESS), default=None)
    attachments = [event for event in known if event.reason == _ATTACHED]

    def holds(event: EventView) -> bool:
        if not event.is_fault or (event.at < now - FRESH and not is_multi_attach(event.note)):
            return False
        if begun_at is not None and event.at < begun_at:
            return False
        return event.reason != _FAILED_ATTACH or not any(is_overtaken(event, by=later) for later in attachments)

    faults = [event for event in known if holds(event)]
    if not faults:
        return None
    found = min(faults, key=lambda event: (is_vague(event), _RANKS.get(event.reason, _OTHER_RANK), now - event.at))
    return StartCause(found.reason, found.note)


def progress(events: Iterable[EventView]) -> str:
    """What the kubelet is at: the image that it pulls; empty if it pulls none."""
    stages = [event for event in events if event.reason in _PROGRESS]
    newest = max(stages, key=lambda event: event.at, default=None)
    return newest.note if newest and newest.reason == _PULLING else ""


def is_multi_attach(note: str) -> bool:
    """Whether a volume cannot be attached since another node has it."""
    return _MULTI_ATTACH in note.lower()


def is_overtaken(failed: EventView, *, by: EventView) -> bool:
    """Whether an attachment came after one that failed, of the same volume as far as the Events name it."""
    volumes = {found[1] for event in (failed, by) if (found := _VOLUME.search(event.note))}
    return failed.at < by.at and len(volumes) < 2


def is_vague(event: EventView) -> bool:
    """Whether an Event says only that time has run out."""
    return bool(_VAGUE.search(event.note))
