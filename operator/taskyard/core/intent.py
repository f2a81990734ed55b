"""Whether a Task is to run or to be paused, and why: first what the user asks for, then its deadlines."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from taskyard.api.vocabulary import AgentProtocol, BuildPhase, BuildReason, PausedReason, Phase, State, Transition
from taskyard.core import input_required, times
from taskyard.core.api_object import Manifest
from taskyard.core.completion import finish
from taskyard.core.observed import Observed

AUTOMATIC = (BuildReason.AUTO_PAUSE, BuildReason.MAX_RUNTIME, BuildReason.FINISHED)


class Intent(Enum):
    """What the Task is to do; a pause's value is the reason of its build."""

    RUN = None
    PAUSE_ASKED = BuildReason.MANUAL_PAUSE
    PAUSE_IDLE = BuildReason.AUTO_PAUSE
    PAUSE_RUNTIME = BuildReason.MAX_RUNTIME
    PAUSE_FINISHED = BuildReason.FINISHED


def idle_deadline(observed: Observed) -> datetime | None:
    """When the Task pauses by itself if nothing happens: the agent's last report that it is not working, or the
    last input delivered since, plus the idle timeout.

    None while the agent works, while the Task is not active, while inputs are queued, and when there is no timeout. A
    program in a terminal that waits for a person does not work.
    """
    task = observed.task
    text = task.idle_timeout or (observed.template_version.idle_timeout if observed.template_version else None)
    state, build = task.status.get("state"), task.build
    if not text or not state or not build or observed.inputs_queued:
        return None
    timeout = times.duration(text)
    if not timeout or task.status.get("phase") != Phase.ACTIVE or state["build"] != build["number"]:
        return None
    asked_at = asked_in_terminal(observed)
    if state["state"] == State.WORKING and asked_at is None:
        return None
    active_at = last_activity(observed, state)
    return (max(active_at, asked_at) if asked_at else active_at) + timeout


def asked_in_terminal(observed: Observed) -> datetime | None:
    """Since when a program in a terminal waits for a person; None when none does. A question over ACP belongs to a
    turn, which a pause would end: it is work."""
    version = observed.template_version
    if version is None or version.protocol != AgentProtocol.TERMINAL:
        return None
    return input_required.asked_at(observed.task.status.get("conditions") or ())


def last_activity(observed: Observed, state: Manifest) -> datetime:
    """When the agent reported its state or, if later, received an input on which it has not reported yet."""
    reported = times.parse(state["timestamp"])
    return max(reported, observed.delivered_at) if observed.delivered_at else reported


def runtime_deadline(observed: Observed) -> datetime | None:
    """When the Task has run as long as it may: the end of its newest start build plus the maximum runtime."""
    build = observed.newest
    timeout = times.duration(observed.task.max_runtime) if observed.task.max_runtime else timedelta()
    if not timeout or build is None or build.transition is Transition.STOP or build.phase is not BuildPhase.SUCCEEDED:
        return None
    return build.finished_at + timeout if build.finished_at else None


def deletion_deadline(observed: Observed) -> datetime | None:
    """When a finished Task is deleted: its report of Complete or Failed, or the last input delivered since, plus the
    time to live; None while inputs are queued."""
    state, seconds = observed.task.status.get("state"), observed.task.ttl_seconds_after_finished
    if seconds is None or observed.inputs_queued or not state:
        return None
    if state["state"] not in (State.COMPLETE, State.FAILED):
        return None
    return last_activity(observed, state) + min(timedelta(seconds=min(seconds, 10**9)), times.MAX_DURATION)


def is_woken(observed: Observed) -> bool:
    """Whether something resumes an automatically paused Task: an input that asks for it, a new value of the resumed-at
    annotation, or a manual pause that was taken back."""
    task = observed.task
    return (
        observed.resume_requested or is_resumed_anew(observed) or task.status.get("pausedReason") == PausedReason.MANUAL
    )


def is_resumed_anew(observed: Observed) -> bool:
    """Whether the resumed-at annotation has a value that was not acted on yet."""
    task = observed.task
    return task.resumed_at is not None and task.resumed_at != task.status.get("observedResumedAt")


def automatic_pause(observed: Observed) -> Intent | None:
    """The automatic pause that the newest build carries out. It is read from the build, so it survives restarts."""
    build = observed.task.build
    if build is None or build["transition"] != Transition.STOP or build["reason"] not in AUTOMATIC:
        return None
    return Intent(BuildReason(build["reason"]))


def intent(observed: Observed) -> Intent:
    """What the Task is to do now."""
    if observed.task.paused:
        # Whoever asks for it, the stop of a command that has ended says so: its end is the Task's result.
        return Intent.PAUSE_FINISHED if finish(observed) else Intent.PAUSE_ASKED
    in_force = automatic_pause(observed)
    if in_force:
        return Intent.RUN if is_woken(observed) else in_force
    if finish(observed):
        return Intent.PAUSE_FINISHED
    for deadline, pause in (
        (idle_deadline(observed), Intent.PAUSE_IDLE),
        (runtime_deadline(observed), Intent.PAUSE_RUNTIME),
    ):
        if deadline and observed.now >= deadline:
            return pause
    return Intent.RUN
