"""Whether a Task is to run or to be paused, and why: the person's word first, then the idle deadline."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from taskyard.api.task import PausedReason, Phase, State
from taskyard.api.workspacebuild import BuildReason, Transition
from taskyard.core import times
from taskyard.core.observed import Observed


class Intent(Enum):
    """What the Task is to do."""

    RUN = "Run"
    PAUSE_ASKED = "PauseAsked"
    PAUSE_IDLE = "PauseIdle"


def idle_deadline(observed: Observed) -> datetime | None:
    """When the Task pauses by itself if nothing happens: its last report of rest plus the idle timeout.

    None while it works, while it is not active, while inputs wait for it, and when it has no timeout.
    """
    task = observed.task
    text = task.idle_timeout or (observed.template.idle_timeout if observed.template else None)
    state, build = task.status.get("state"), task.build
    if not text or not state or not build or observed.inputs_queued:
        return None
    timeout = times.duration(text)
    if not timeout or task.status.get("phase") != Phase.ACTIVE or state["build"] != build["number"]:
        return None
    if state["state"] == State.WORKING:
        return None
    return times.parse(state["timestamp"]) + timeout


def is_woken(observed: Observed) -> bool:
    """Whether something asks an automatically paused Task to go on: an input that resumes, a new value of the
    resumed-at annotation, or a pause by hand that was taken back."""
    task = observed.task
    return (
        observed.resume_requested
        or (task.resumed_at is not None and task.resumed_at != task.status.get("observedResumedAt"))
        or task.status.get("pausedReason") == PausedReason.MANUAL
    )


def is_auto_paused(observed: Observed) -> bool:
    """Whether the newest build paused the Task without being asked. The build tells, so it survives restarts."""
    build = observed.task.build
    return build is not None and (build["transition"], build["reason"]) == (Transition.STOP, BuildReason.AUTO_PAUSE)


def intent(observed: Observed) -> Intent:
    """What the Task is to do now."""
    if observed.task.paused:
        return Intent.PAUSE_ASKED
    if is_auto_paused(observed):
        return Intent.RUN if is_woken(observed) else Intent.PAUSE_IDLE
    deadline = idle_deadline(observed)
    return Intent.PAUSE_IDLE if deadline and observed.now >= deadline else Intent.RUN
