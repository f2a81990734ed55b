"""Which of a claim's Events tells why it gets no volume, and what helps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from taskyard.core import kubectl
from taskyard.core.start_cause import FRESH, EventView, StartCause, is_vague

# Kubernetes tells these as Normal. The first says that nothing can make a volume, the second which provisioner is to
# make it: if that does not run, nobody says more.
_NO_CLASS = "FailedBinding"
_EXTERNAL = "ExternalProvisioning"
_NORMAL = {_NO_CLASS, _EXTERNAL}
_MISSING_CLASS = re.compile(r'storageclass[\w.]* "([^"]+)" not found', re.IGNORECASE)


def claim_cause(events: Iterable[EventView], *, now: datetime) -> StartCause | None:
    """The fault that keeps a claim from its volume; None when its Events name none, as while it waits for its Pod to
    get a node (WaitForFirstConsumer)."""
    faults = [event for event in events if event.at >= now - FRESH and (event.is_fault or is_normal_fault(event))]
    if not faults:
        return None
    found = min(faults, key=lambda event: (event.reason == _EXTERNAL, is_vague(event), now - event.at))
    return StartCause(found.reason, found.note)


def is_normal_fault(event: EventView) -> bool:
    """Whether an Event tells a fault though it is no warning."""
    return event.reason in _NORMAL and bool(event.note)


def remedy(cause: StartCause, *, claim: str, namespace: str) -> str:
    """What helps, as a sentence without its end."""
    another = (
        f"Or pause the Task, delete the claim, which holds nothing yet ({kubectl.delete_claim(namespace, claim)}), "
        "and resume the Task with a template version that names another StorageClass"
    )
    missing = _MISSING_CLASS.search(cause.note)
    if missing:
        return f"Create StorageClass {missing[1]}, and the claim gets its volume by itself. {another}"
    match cause.reason:
        case "FailedBinding":
            return f"Make a StorageClass the default of the cluster, and the claim gets its volume by itself. {another}"
        case "ExternalProvisioning":
            return f"See that this provisioner runs. {another}"
        case _:
            return f"It is tried again by itself, and the provisioner's log tells more. {another}"
