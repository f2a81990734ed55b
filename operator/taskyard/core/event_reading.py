"""Whose Events are read now for a Task that does not start: those of one object, of its Pod or of its home's claim."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from taskyard.core import claim_events, start_events
from taskyard.core.claim_cause import claim_cause
from taskyard.core.observed import Observed
from taskyard.core.start_cause import EventView, Reading, progress, start_cause


@dataclass(frozen=True)
class Subject:
    """The object, and when its Events are due; None when they are not to be read."""

    kind: str
    name: str
    uid: str
    due: datetime | None

    def reading(self, events: Iterable[EventView], *, former: Reading | None, now: datetime, refusal: str) -> Reading:
        """What its Events say; `former` is the last reading of the Task's, `refusal` why they could not be read."""
        known = list(events)
        is_pod = self.kind == "Pod"
        return Reading(
            self.uid,
            at=now,
            number=former.number + 1 if former and former.uid == self.uid else 1,
            cause=start_cause(known, now=now) if is_pod else claim_cause(known, now=now),
            progress=progress(known) if is_pod else "",
            refusal=refusal,
        )


def subject(observed: Observed) -> Subject | None:
    """The object whose Events say why a Task does not start; None when they are not asked."""
    pod = start_events.starting_pod(observed)
    if pod is not None:
        return Subject("Pod", pod.name, pod.uid, start_events.next_reading(observed))
    found = claim_events.unbound(observed)
    if found is not None:
        claim = found[1]
        return Subject("PersistentVolumeClaim", claim.name, claim.uid, claim_events.next_reading(observed))
    return None
