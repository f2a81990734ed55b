"""Which of a claim's Events tells why it gets no volume, and what helps."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from taskyard.core import kubectl
from taskyard.core.claim_view import ClaimView
from taskyard.core.start_cause import FRESH, EventView, StartCause, is_vague

# Kubernetes tells these as Normal. The first says that nothing can make a volume, the second which provisioner is to
# make it: if that does not run, nobody says more.
_NO_CLASS = "FailedBinding"
_EXTERNAL = "ExternalProvisioning"
_NORMAL = {_NO_CLASS, _EXTERNAL}
_CLASSLESS = "no storage class is set"
_TAKEN = "already bound to a different claim"
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


def remedy(cause: StartCause, claim: ClaimView) -> str:
    """What helps, as a sentence without its end. To delete the claim is said of one alone that surely holds nothing."""
    helps = mend(cause, claim)
    if claim.is_empty:
        return (
            f"{helps}. Or pause the Task, delete the claim, which holds nothing yet "
            f"({kubectl.delete_claim(claim.namespace, claim.name)}), and resume the Task with a template version that "
            "names another StorageClass"
        )
    return f"{helps}. Keep the claim: {volume(claim)} may hold the files of this home"


def mend(cause: StartCause, claim: ClaimView) -> str:
    """What helps the claim as it is."""
    missing = _MISSING_CLASS.search(cause.note)
    if missing:
        return f"Create StorageClass {missing[1]}, and the claim gets its volume by itself"
    match cause.reason:
        case "ClaimLost":
            return (
                f"An administrator can create {volume(claim)} again for the same storage, or for a copy of it from a "
                "backup, and the claim is bound to it by itself; if the files are gone for good, use another Task"
            )
        case "ClaimMisbound":
            return f"Two claims name {volume(claim)}: an administrator can see which of them its spec.claimRef is for"
        case "VolumeMismatch":
            return (
                f"The claim names {volume(claim)} (spec.volumeName), which does not fit it: an administrator can "
                "change that volume (its size, StorageClass, access or volume mode), and the claim is bound to it by "
                "itself"
            )
        case "FailedBinding" if _TAKEN in cause.note:
            return (
                f"The claim names {volume(claim)} (spec.volumeName), whose spec.claimRef names another claim: an "
                "administrator can see whose volume it is, and when it is free, the claim is bound to it by itself"
            )
        case "FailedBinding" if _CLASSLESS in cause.note and claim.storage_class is None:
            return "Make a StorageClass the default of the cluster, and the claim gets its volume by itself"
        case "FailedBinding" if _CLASSLESS in cause.note:
            return (
                'The claim asks for a volume without a StorageClass (storageClassName ""): an administrator can create '
                "a PersistentVolume that fits, and the claim is bound to it by itself"
            )
        case "ExternalProvisioning":
            return "See that this provisioner runs"
        case reason if reason.startswith("Provision"):
            return "It is tried again by itself, and the provisioner's log tells more"
        case _:
            described = kubectl.describe_claims(claim.namespace)
            return f"It is tried again by itself when the cause is gone; `{described}` tells more"


def volume(claim: ClaimView) -> str:
    """The volume that the claim names, or would name."""
    return f"PersistentVolume {claim.volume}" if claim.volume else "its PersistentVolume"
