"""A Pod that gets no node since the Task's home has no volume: when the Events of the home's claim are read, and what
the Task then says.

The scheduler says that a claim is unbound, and not why; while a provisioner makes the volume, it says nothing at all.
Events are read of the claim alone, at the times at which those of a Pod are (`start_events`), and of no claim that has
a volume or whose Pod waits for something else.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from taskyard.api.vocabulary import Transition
from taskyard.core import claim_cause, unscheduled
from taskyard.core.claim_view import ClaimView
from taskyard.core.observed import Observed
from taskyard.core.pod_view import PodView
from taskyard.core.start_cause import Reading
from taskyard.core.start_events import FIRST_AFTER, READING_TIME, deadline, former_ready, next_pause
from taskyard.core.text_limits import quoted

UNSCHEDULABLE = "Unschedulable"


def unbound(observed: Observed) -> tuple[PodView, ClaimView] | None:
    """The Pod of the newest start and the claim that keeps it from a node; None when nothing tells of that."""
    build, claim = observed.newest, observed.claim
    if build is None or build.finished or build.transition is Transition.STOP or observed.pending_reservation:
        return None
    pod = observed.pod_of(build)
    if pod is None or pod.node or pod.deleting or pod.ended:
        return None
    if claim is None or claim.deleting or claim.capacity is not None:
        return None
    # Once it has chosen a node the scheduler says nothing, or what it said before, while the volume is made; or its
    # choice is an old one that came to nothing.
    is_cause = claim.has_node or unscheduled.is_of_claim(pod.unschedulable or "")
    return (pod, claim) if is_cause else None


def reading_of(observed: Observed, claim: ClaimView) -> Reading | None:
    """The last reading of this claim's Events."""
    reading = observed.reading
    return reading if reading and reading.uid == claim.uid else None


def next_reading(observed: Observed) -> datetime | None:
    """When the Events of the claim are to be read the next time; None when they are not."""
    found = unbound(observed)
    if found is None:
        return None
    pod, claim = found
    late_at, reading = deadline(observed, pod), reading_of(observed, claim)
    due = reading.at + next_pause(reading) if reading else pod.created_at + FIRST_AFTER
    return min(due, late_at) if late_at and (reading is None or reading.at < late_at) else due


def given_up_at(observed: Observed, pod: PodView, *, start_timeout: timedelta) -> datetime:
    """When a Pod without a node counts as failed: at the start time-out, but a claim's Events are read before that, so
    that the build says why."""
    at, found = pod.created_at + start_timeout, unbound(observed)
    reading = reading_of(observed, found[1]) if found else None
    return at if found is None or (reading and reading.at >= at) else at + READING_TIME


def cause(observed: Observed) -> str | None:
    """Why the claim has no volume, and what helps, as sentences without the last one's end; None while that is not
    known. What the scheduler says beside that stands before."""
    found = unbound(observed)
    reading = reading_of(observed, found[1]) if found else None
    if found is None or reading is None or reading.cause is None:
        return None
    pod, claim = found
    told = f"{without_volume(claim)}{reading.cause.note.rstrip('. ')}. {claim_cause.remedy(reading.cause, claim)}"
    beside = said_beside(pod, claim)
    if beside is None:
        return told
    return f"{quoted(beside)}. {unscheduled.REMEDY}. Besides, {told}"


def explanation(observed: Observed) -> tuple[str, str] | None:
    """Reason and message of the condition Ready; None while there is nothing to tell."""
    found = unbound(observed)
    if found is None:
        return None
    pod, claim = found
    reading, known = reading_of(observed, claim), cause(observed)
    beside = said_beside(pod, claim)
    if reading and reading.cause and known:
        return reading.cause.reason if beside is None else UNSCHEDULABLE, f"{waits(pod, beside)}{known}."
    reason, message = former_ready(observed)
    # Until this process has read them, what another one has told stands.
    begins = waits(pod, beside) + (without_volume(claim) if beside is None else quoted(beside))
    is_known = reading is None and message.startswith(begins) and without_volume(claim) in message
    return (reason, message) if is_known else None


def said_beside(pod: PodView, claim: ClaimView) -> str | None:
    """What the scheduler says of nodes, though it has chosen one once: it has said that before, or it says it now,
    since its choice came to nothing; nothing tells which. None where it says nothing else than that the
    claim is unbound."""
    said = pod.unschedulable
    return said if said and claim.has_node and unscheduled.is_of_nodes(said) else None


def waits(pod: PodView, beside: str | None) -> str:
    """How the message begins."""
    return f"Pod {pod.name} waits for {'its home' if beside is None else 'a node'}: "


def without_volume(claim: ClaimView) -> str:
    """How a cause from the claim's Events begins."""
    return f"claim {claim.name} has no volume: "
