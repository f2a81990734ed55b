"""The build that a Task's spec asks for, as long as the operator has not reserved its number. Pure."""

from dataclasses import dataclass

from taskyard.api.vocabulary import BuildPhase, BuildReason, Phase, Transition
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.views import vocabulary


@dataclass(frozen=True)
class ExpectedBuild:
    """What is known of the build beforehand."""

    transition: Transition
    reason: BuildReason
    phase: BuildPhase


def expected_build(task: TaskView) -> ExpectedBuild:
    """The build that comes next. A Task that was created paused needs none: that counts as a build that has succeeded,
    so that nobody waits for it."""
    number = vocabulary.build_number(task)
    if task.paused:
        is_done = not number and vocabulary.phase(task) == Phase.PAUSED
        phase = BuildPhase.SUCCEEDED if is_done else BuildPhase.PENDING
        return ExpectedBuild(Transition.STOP, BuildReason.MANUAL_PAUSE, phase)
    reason = BuildReason.RESUME if number else BuildReason.INITIAL
    return ExpectedBuild(Transition.START, reason, BuildPhase.PENDING)
