"""Pods that are lost while their Task is to run: what is kept of each loss, and when the next start may come.

A disruption (a drained node, say) is no failed recovery. Every other loss is one until the agent has been there for ten
minutes: a Task that fills its disk, and is evicted for it, must not do so for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from taskyard.api.vocabulary import BuildPhase, BuildReason, Transition
from taskyard.core import times
from taskyard.core.build_view import BuildView
from taskyard.core.observed import Observed
from taskyard.core.pod_end import UNKNOWN, EndCause, PodEnd

RECOVER_LIMIT = 5
# After a failed recovery, from the creation of its build.
FIRST_WAIT = timedelta(seconds=5)
# A Pod whose agent was there this long was not a failed recovery, and the counts start again.
LASTING = timedelta(minutes=10)
# Disruptions come in rows when one node after the other is drained. A longer row is a loop (a Pod that may be scheduled
# to a node that evicts it, say), which goes on until the cause ends, ever more slowly.
QUICK_DISRUPTIONS = 4
LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True)
class Losses:
    """Recoveries in a row whose Pod did not last, up to now: those that failed, and those that were disrupted."""

    failed: int
    disrupted: int


def lost_build(observed: Observed) -> BuildView | None:
    """The newest build if it is a start whose Pod has ended or is gone."""
    build = observed.newest
    if build is None or build.transition is Transition.STOP or build.phase is not BuildPhase.SUCCEEDED:
        return None
    pod = observed.pod_of(build)
    return None if pod and not pod.ended else build


def end_to_keep(observed: Observed) -> PodEnd | None:
    """How the newest start's Pod ended, if the build does not tell yet. A disruption is kept as soon as it deletes the
    Pod: afterwards only the Pod's absence is left to see."""
    build = observed.newest
    if build is None or build.transition is Transition.STOP or build.phase is not BuildPhase.SUCCEEDED or build.pod_end:
        return None
    pod = observed.pod_of(build)
    if pod is None:
        cause = observed.lost_to or EndCause(UNKNOWN)
    elif pod.end_cause and (pod.ended or (pod.deleting and pod.end_cause.is_disruption)):
        cause = pod.end_cause
    else:
        return None
    return PodEnd(cause, at=min(cause.since or observed.now, observed.now), active_at=active_at(observed))


def active_at(observed: Observed) -> datetime | None:
    """When the agent first answered in the newest start. A Task that was Active before Taskyard kept that has the time
    in its condition Ready."""
    status = observed.task.status
    known = (status.get("workspace") or {}).get("activeAt")
    if known is None:
        ready = next((c for c in status.get("conditions") or () if c["type"] == "Ready"), None)
        known = ready["lastTransitionTime"] if ready and ready["status"] == "True" else None
    return times.parse(known) if known else None


def losses(observed: Observed) -> Losses:
    """The recoveries in a row that did not last, the newest among them."""
    row = list(recoveries(observed))
    disrupted = sum(build.pod_end is not None and build.pod_end.cause.is_disruption for build in row)
    return Losses(failed=len(row) - disrupted, disrupted=disrupted)


def recoveries(observed: Observed) -> Iterator[BuildView]:
    """The newest builds, newest first, as far as they are recoveries whose Pod did not last."""
    later = observed.now
    for build in reversed(observed.builds):
        if build.reason is not BuildReason.RECOVER or has_lasted(build, until=later):
            return
        yield build
        later = build.created_at


def has_lasted(build: BuildView, *, until: datetime) -> bool:
    """Whether a start's Pod was there long enough. Builds of Taskyard 0.1 do not tell: then the time until the next
    build counts."""
    if build.pod_end is None:
        return until - build.created_at > LASTING
    return build.pod_end.active_for >= LASTING


def next_start(build: BuildView, found: Losses) -> datetime | None:
    """When the start after these losses may come; None for at once."""
    waits = []
    if found.failed:
        waits.append(FIRST_WAIT * 2**found.failed)
    if found.disrupted:
        slower = max(found.failed + found.disrupted - QUICK_DISRUPTIONS, 0)
        waits.append(min(FIRST_WAIT * 2**slower, LONGEST_WAIT))
    return build.created_at + max(waits) if waits else None


def limit_message(build: BuildView, found: Losses) -> str:
    """Why there is no further recovery."""
    cause = build.pod_end.cause if build.pod_end else None
    last = f" (last: {cause.told})" if cause and cause.reason != UNKNOWN else ""
    return (
        f"The Pod was lost {found.failed + 1} times in a row{last}; see the Pod's events and its node. "
        "Pause and resume the Task to try again."
    )
