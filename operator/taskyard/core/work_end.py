"""The end of a Task's work, which the condition Succeeded tells: by the agent's report, or by a command's exit status.

Tools that know kstatus do not read that condition, so a command that failed is also Stalled: nothing goes on until
somebody resumes the Task. An interactive agent that reports a failure still takes messages, so its Task is not.
"""

from __future__ import annotations

from dataclasses import dataclass

from taskyard.api.vocabulary import AgentProtocol, BuildPhase, BuildReason, Phase, State, Transition
from taskyard.core import times
from taskyard.core.api_object import Manifest
from taskyard.core.completion import RESULTS, finish
from taskyard.core.intent import Intent, intent
from taskyard.core.observed import Observed

TYPE = "Succeeded"


@dataclass(frozen=True)
class WorkEnd:
    """`succeeded` is None while the work goes on, or has not begun. `stalls`: the Task does nothing more by itself."""

    succeeded: bool | None
    reason: str
    message: str
    stalls: bool = False


NOT_FINISHED = WorkEnd(None, "NotFinished", "The work has not ended.")


def of(observed: Observed, *, phase: Phase, state: Manifest | None) -> WorkEnd:
    """How the work has ended; `phase` and `state` are what the status is about to show."""
    if state is None or state["state"] not in RESULTS or not is_over(observed, phase, state):
        return without_result(observed, phase)
    said: str = state.get("message") or ""
    if state["state"] == State.COMPLETE:
        return WorkEnd(True, "Complete", said or "The work is done.")
    if not command_has_ended(observed):
        return WorkEnd(False, "Failed", said or "The agent reports that it has failed.")
    cause = said.rstrip(".") or "it gave no cause"
    return WorkEnd(
        False,
        "CommandFailed",
        f"The command failed: {cause}. To run it again, resume the Task: {how_to_resume(observed)}.",
        stalls=phase is not Phase.ERROR,
    )


def how_to_resume(observed: Observed) -> str:
    """What a person does to resume a Task that stopped by itself or, on top of that, was paused."""
    if observed.task.paused:
        return "set spec.paused to false"
    return "set the annotation taskyard.dev/resumed-at to a new value, or send a TaskInput that has resume: true"


def without_result(observed: Observed, phase: Phase) -> WorkEnd:
    """The end when the agent gave none: a build that failed is not tried again, so nobody need wait for more."""
    build = observed.newest
    if phase is not Phase.ERROR or build is None or build.phase is not BuildPhase.FAILED:
        return NOT_FINISHED
    return WorkEnd(False, "BuildFailed", f"Build {build.name} failed: {build.message or 'no cause was recorded'}")


def is_over(observed: Observed, phase: Phase, state: Manifest) -> bool:
    """Whether the result in `state` is that of the Task's work as it is asked for now."""
    is_stopped = phase in (Phase.PAUSING, Phase.PAUSED)
    if is_stopped and (intent(observed) is Intent.RUN or is_asked_for_anew(observed)):
        return False
    if is_command(observed):
        return phase is Phase.PAUSED or command_has_ended(observed)
    # The agent reports on a new message a moment after it has got it.
    return observed.message_delivered_at is None or observed.message_delivered_at <= times.parse(state["timestamp"])


def is_asked_for_anew(observed: Observed) -> bool:
    """Whether a paused Task has another prompt or template version than the workspace that was stopped."""
    task, build = observed.task, observed.newest
    if build is None:
        return False
    is_other = task.template_version is not None and task.template_version != build.template_version
    return is_other or task.prompt_sha256 != build.prompt_sha256


def is_command(observed: Observed) -> bool:
    """Whether the agent of the newest build is a command, whose own reports are no result while it runs."""
    build, version = observed.newest, observed.template_version
    pod = observed.pod_of(build) if build else None
    if pod is not None:
        return pod.runs_once
    return command_has_ended(observed) or (version is not None and version.protocol == AgentProtocol.COMMAND)


def command_has_ended(observed: Observed) -> bool:
    """Whether the newest run of the agent was a command that came to its end, and was not stopped before."""
    reserved = observed.task.build
    if reserved is not None and reserved["transition"] == Transition.STOP:
        return bool(reserved["reason"] == BuildReason.FINISHED)
    return finish(observed) is not None
