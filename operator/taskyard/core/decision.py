"""The next step for a Task: one ordered chain of small functions, of which the first that returns a step decides.

Every step is one idempotent write. When a process is killed between two steps, the next look at the objects shows what
is still to be done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from taskyard.api.vocabulary import BuildPhase, BuildReason, Transition
from taskyard.core import claim_events, event_reading, recovery, refusal, start_events, unscheduled
from taskyard.core.build_view import BuildView
from taskyard.core.claim_view import ClaimView
from taskyard.core.completion import report_deadline
from taskyard.core.home_size import larger_size
from taskyard.core.intent import (
    Intent,
    deletion_deadline,
    idle_deadline,
    intent,
    is_resumed_anew,
    runtime_deadline,
)
from taskyard.core.observed import Observed
from taskyard.core.pod_end import PodEnd
from taskyard.core.pod_view import PodView
from taskyard.core.template_resolution import resolution
from taskyard.core.text_limits import quoted

BUILDS_KEPT = 10


@dataclass(frozen=True)
class Reserve:
    """Write the next build's number into the Task's status."""

    number: int
    transition: Transition
    reason: BuildReason


@dataclass(frozen=True)
class CreateBuild:
    """Create the WorkspaceBuild whose number is reserved."""

    number: int
    transition: Transition
    reason: BuildReason


@dataclass(frozen=True)
class CreateClaim:
    """Create the PersistentVolumeClaim of the Task's home."""


@dataclass(frozen=True)
class AdoptClaim:
    """Become the owner of a home that allows that."""


@dataclass(frozen=True)
class GrowClaim:
    """Ask for a larger home; a refusal is written into the build."""

    build: BuildView
    claim: ClaimView
    size: str


@dataclass(frozen=True)
class CreatePod:
    """Create the Pod of a start build."""

    build: BuildView


@dataclass(frozen=True)
class DeletePod:
    """Delete a Pod; `why` goes to the log."""

    pod: PodView
    why: str


@dataclass(frozen=True)
class EndBuild:
    """Write a build's result."""

    build: BuildView
    phase: BuildPhase
    message: str | None = None
    pod_uid: str | None = None


@dataclass(frozen=True)
class KeepPodEnd:
    """Write into a start build how its Pod ended."""

    build: BuildView
    end: PodEnd


@dataclass(frozen=True)
class DeleteBuild:
    """Delete the oldest build; `makes_room` says that a quota refuses the next one."""

    build: BuildView
    makes_room: bool = False


@dataclass(frozen=True)
class RemoveLeftBehind:
    """Delete builds that an earlier Task of the same name has left behind."""

    builds: tuple[BuildView, ...]


@dataclass(frozen=True)
class DeleteTask:
    """Delete a Task that has finished."""


@dataclass(frozen=True)
class Rest:
    """Do nothing until something changes, or until `until`."""

    until: datetime | None = None


BuildStep = Reserve | CreateBuild | EndBuild | KeepPodEnd | DeleteBuild | RemoveLeftBehind
ClaimStep = CreateClaim | AdoptClaim | GrowClaim
Step = BuildStep | ClaimStep | CreatePod | DeletePod | DeleteTask | Rest


def decide(observed: Observed) -> Step:
    """The next step for a Task."""
    for rule in CHAIN:
        step = rule(observed)
        if step is not None:
            return step
    deadlines = (
        idle_deadline(observed),
        runtime_deadline(observed),
        deletion_deadline(observed),
        start_deadline(observed),
        reading_deadline(observed),
        report_deadline(observed),
    )
    return Rest(until=min(filter(None, deadlines), default=None))


def task_is_being_deleted(observed: Observed) -> Step | None:
    """Garbage collection deletes the children with their owner; a build would only delay that."""
    return Rest() if observed.task.deleting else None


def task_has_outlived_its_end(observed: Observed) -> Step | None:
    """A Task that is Complete or Failed is deleted when its time to live is over."""
    deadline = deletion_deadline(observed)
    return DeleteTask() if deadline and observed.now >= deadline else None


def builds_are_left_behind(observed: Observed) -> Step | None:
    """Builds that lost their owner, by a restore or an orphaning deletion, have names that this Task's will get."""
    return RemoveLeftBehind(observed.left_behind) if observed.left_behind else None


def home_is_offered(observed: Observed) -> Step | None:
    """A home that the Task may adopt is adopted at once, also while the Task is paused: it then goes with the Task. A
    pause comes first, and with it each build that is reserved but no start that goes on: they have no need of a home,
    whose adoption may be refused."""
    version, build, reserved = observed.template_version, observed.newest, observed.pending_reservation
    runs = intent(observed) is Intent.RUN
    is_pausing = (not runs and build is not None and not (build.finished and build.transition is Transition.STOP)) or (
        reserved is not None and not (runs and reserved["transition"] == Transition.START)
    )
    is_due = observed.home_offered and not observed.claim_exists and version is not None and version.home
    return AdoptClaim() if is_due and not is_pausing else None


def quota_has_no_room_for_the_build(observed: Observed) -> Step | None:
    """A quota that keeps the next build from being made makes room for it by the oldest of the Task's own: a Task that
    is to pause must not go on costing for the sake of its history. One at a time, since the quota takes a moment to
    count what is gone."""
    is_refused = observed.obstacle is not None and observed.obstacle.reason == refusal.QUOTA_EXCEEDED
    if not is_refused or observed.pending_reservation is None or observed.builds_stay or observed.room_awaited:
        return None
    old = spare_builds(observed)
    return DeleteBuild(old[0], makes_room=True) if old else None


def spare_builds(observed: Observed) -> list[BuildView]:
    """Builds that nothing but the audit trail needs, oldest first: not the newest one, and not the recoveries in a row
    by which the next one is decided."""
    kept = {build.uid for build in (*observed.builds[-1:], *recovery.recoveries(observed))}
    return [build for build in observed.builds if build.finished and not build.deleting and build.uid not in kept]


def reserved_build_is_missing(observed: Observed) -> Step | None:
    """A number is never skipped: a reserved build is always created. A start first waits for the template version that
    it will use; a start that is no longer wanted does not wait, it is created only to be canceled."""
    reserved = observed.pending_reservation
    if reserved is None:
        return None
    starts = reserved["transition"] == Transition.START and intent(observed) is Intent.RUN
    if starts and not resolution(observed).resolved:
        return Rest()
    return CreateBuild(reserved["number"], Transition(reserved["transition"]), BuildReason(reserved["reason"]))


def start_is_no_longer_wanted(observed: Observed) -> Step | None:
    """A pause requested while the workspace starts cancels that build; the stop build after it removes the Pod."""
    build = observed.newest
    if build is None or build.finished or build.transition is Transition.STOP:
        return None
    if intent(observed) is Intent.RUN:
        return None
    return EndBuild(build, BuildPhase.CANCELED, "The Task was paused before the workspace had started.")


def start_is_unfinished(observed: Observed) -> Step | None:
    """A start needs, in this order: the claim, the removal of earlier Pods, room in the claim, its Pod, and a node for
    it."""
    build = observed.newest
    if build is None or build.finished or build.transition is Transition.STOP:
        return None
    template, pod = observed.template_version, observed.pod_of(build)
    # An existing Pod no longer needs the template version.
    if pod is None and not resolution(observed).resolved:
        return Rest()
    if template and template.home and not observed.claim_exists:
        return CreateClaim()
    for other in observed.pods:
        if other is not pod:
            return Rest() if other.deleting else DeletePod(other, "it is left over from an earlier build")
    if pod is None:
        size = larger_size(observed)
        return GrowClaim(build, observed.claim, size) if size and observed.claim else CreatePod(build)
    if pod.deleting:
        return Rest()
    if pod.node:
        return EndBuild(build, BuildPhase.SUCCEEDED, pod_uid=pod.uid)
    if template is None:
        return Rest()
    # Counted from the Pod's creation: a build may have waited long for room in the quota or for its template version.
    timed_out_at = claim_events.given_up_at(observed, pod, start_timeout=template.start_timeout)
    if observed.now < timed_out_at:
        return Rest(until=min(timed_out_at, reading_deadline(observed) or timed_out_at))
    return EndBuild(
        build, BuildPhase.FAILED, unbound_message(pod, template.start_timeout, claim_events.cause(observed))
    )


def unbound_message(pod: PodView, waited: timedelta, of_claim: str | None) -> str:
    """Cause and remedy for a Pod that was not bound to a node; `of_claim` are those of a claim without a volume, as far
    as they are known."""
    begin = f"Pod {pod.name} was not bound to a node within {int(waited.total_seconds())} s: "
    if of_claim:
        return f"{begin}{of_claim}. When that is done, pause and resume the Task."
    cause = pod.unschedulable or "the scheduler gave no reason"
    remedy = unscheduled.remedy(cause, namespace=pod.namespace)
    return f"{begin}{quoted(cause)}. {remedy}; then pause and resume the Task."


def failed_start_left_a_pod(observed: Observed) -> Step | None:
    """The Pod of a failed or canceled start is deleted."""
    build = observed.newest
    if build is None or build.transition is Transition.STOP:
        return None
    if build.phase not in (BuildPhase.FAILED, BuildPhase.CANCELED):
        return None
    pod = observed.pod_of(build)
    return DeletePod(pod, "its build has failed") if pod and not pod.deleting else None


def stop_is_unfinished(observed: Observed) -> Step | None:
    """Every Pod of the Task is deleted; the stop has succeeded when none is left."""
    build = observed.newest
    if build is None or build.finished or build.transition is Transition.START:
        return None
    for pod in observed.pods:
        if not pod.deleting:
            return DeletePod(pod, f"build {build.name} stops the workspace")
    return Rest() if observed.pods else EndBuild(build, BuildPhase.SUCCEEDED)


def pause_is_wanted(observed: Observed) -> Step | None:
    """A running or failed workspace is stopped. Without a build there is nothing to stop."""
    wanted, build = intent(observed), observed.newest
    if wanted is Intent.RUN or build is None or build.transition is Transition.STOP:
        return None if wanted is Intent.RUN else Rest()
    return Reserve(next_number(observed), Transition.STOP, BuildReason(wanted.value))


def start_is_wanted(observed: Observed) -> Step | None:
    """The first start, or the one after a pause, as soon as the template version exists. A start that a pause canceled
    counts as paused when that pause is taken back before its stop is reserved; so does a failed start once another one
    is requested."""
    build = observed.newest
    if build is not None and build.transition is Transition.START:
        is_asked_for = build.phase is BuildPhase.FAILED and is_resumed_anew(observed)
        if build.phase is not BuildPhase.CANCELED and not is_asked_for:
            return None
    if not resolution(observed).resolved:
        return Rest()
    reason = BuildReason.INITIAL if build is None else BuildReason.RESUME
    return Reserve(next_number(observed), Transition.START, reason)


def pod_end_is_untold(observed: Observed) -> Step | None:
    """How a Pod ended is kept in its build: soon nothing but the build is left of it."""
    build, end = observed.newest, recovery.end_to_keep(observed)
    return KeepPodEnd(build, end) if build and end else None


def pod_is_lost(observed: Observed) -> Step | None:
    """A Pod that vanished or ended while the Task should run is replaced by a new start: at most five in a row, with a
    longer wait before each. Disruptions do not count."""
    build = recovery.lost_build(observed)
    if build is None:
        return None
    losses = recovery.losses(observed)
    if losses.failed >= recovery.RECOVER_LIMIT:
        return EndBuild(build, BuildPhase.FAILED, recovery.limit_message(build, losses))
    retry_at = recovery.next_start(build, losses)
    if retry_at and observed.now < retry_at:
        return Rest(until=retry_at)
    return Reserve(next_number(observed), Transition.START, BuildReason.RECOVER)


def builds_are_too_many(observed: Observed) -> Step | None:
    """The newest builds are kept as the audit trail."""
    are_too_many = len(observed.builds) > BUILDS_KEPT and not observed.builds_stay
    return DeleteBuild(observed.builds[0]) if are_too_many else None


def start_deadline(observed: Observed) -> datetime | None:
    """When an agent that has not started yet counts as late, which the status then shows. An agent has started when it
    runs, its sidecar has enrolled, and it has answered."""
    build = observed.newest
    pod = observed.pod_of(build) if build and build.transition is Transition.START else None
    if pod is None:
        return None
    is_running = pod.agent and pod.agent.running and "sidecarVersion" in observed.task.status.get("workspace", {})
    if is_running and start_events.starting_pod(observed) is None:
        return None
    moments = (start_events.deadline(observed, pod), start_events.given_up_at(observed))
    return min((moment for moment in moments if moment and observed.now < moment), default=None)


def reading_deadline(observed: Observed) -> datetime | None:
    """When the Events of a Pod or a claim that keep a Task from its start are read; None when they are due already."""
    subject = event_reading.subject(observed)
    due = subject.due if subject else None
    return due if due and observed.now < due else None


def next_number(observed: Observed) -> int:
    """One more than any number that is reserved or that a build has, so that deleting old builds leaves no gap and
    repeats no number."""
    highest = observed.newest.number if observed.newest else 0
    return max(observed.task.reserved_number, highest) + 1


CHAIN: tuple[Callable[[Observed], Step | None], ...] = (
    task_is_being_deleted,  # the owner is deleted, and its children with it
    task_has_outlived_its_end,  # finished, and its time to live is over
    start_is_no_longer_wanted,  # paused while starting
    builds_are_left_behind,  # restored, or orphaned
    home_is_offered,  # restored, or orphaned, and annotated
    quota_has_no_room_for_the_build,  # reserved, and an older one can go
    reserved_build_is_missing,  # a reservation is always carried out
    start_is_unfinished,  # a start continues
    failed_start_left_a_pod,  # a failed start cleans up
    stop_is_unfinished,  # a stop continues
    builds_are_too_many,  # older than the ten newest
    pause_is_wanted,  # running, to be paused
    start_is_wanted,  # not running, to be started
    pod_end_is_untold,  # its Pod is going or gone
    pod_is_lost,  # running without a Pod
)
