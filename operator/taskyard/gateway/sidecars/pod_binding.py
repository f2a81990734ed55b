"""How a Pod relates to a Task: whether it is the Pod of the Task's newest start build.

The newest *start* build counts, not the newest build: while a stop build ends the Pod, its sidecar still sends the last
snapshot.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from taskyard.api.vocabulary import BuildPhase, Transition
from taskyard.gateway.sidecars.objects import Build, Task


class PodBinding(StrEnum):
    """How a Pod relates to a Task; the value describes it to people."""

    CURRENT = "It is the Pod of the Task's newest start build."
    NO_BUILD = "No build of a Task made this Pod."
    NOT_A_START = "The build with this Pod's name is not a start."
    NO_TASK = "The Task that this Pod was created for no longer exists."
    TASK_DELETED = "The Task that this Pod was created for is being deleted."
    SUPERSEDED = "A newer build has replaced this Pod."
    BUILD_ENDED = "The build that created this Pod has failed or was canceled."
    UNRECORDED = "The operator has not recorded this Pod yet."
    ANOTHER_POD = "The build with this Pod's name has created another Pod."


@dataclass(frozen=True)
class Evidence:
    """What was read about a Pod. `newest_start` is the number of the Task's newest start build, 0 before the first."""

    pod_uid: str
    build: Build | None = None
    task: Task | None = None
    newest_start: int = 0


def pod_binding_of(evidence: Evidence) -> PodBinding:
    """The first finding of the chain, else CURRENT."""
    return next((found for check in _CHAIN if (found := check(evidence))), PodBinding.CURRENT)


def needs_builds(task: Task) -> bool:
    """Whether the Task alone does not show its newest start build, because its newest build is a stop."""
    return task.newest_number > 0 and task.newest_transition is not Transition.START


def newest_start(task: Task, builds: Sequence[Build]) -> int:
    """Number of the Task's newest start build, 0 for none.

    Numbers are reserved in the Task's status before a build is created, so a start there is the newest one; if it is a
    stop, the number comes from `builds` (any builds of the namespace).
    """
    if not needs_builds(task):
        return task.newest_number
    own = (build for build in builds if build.owner and build.owner.uid == task.uid)
    return max((build.number for build in own if build.transition is Transition.START), default=0)


def _no_build_made_it(evidence: Evidence) -> PodBinding | None:
    return PodBinding.NO_BUILD if evidence.build is None or evidence.build.owner is None else None


def _build_starts_nothing(evidence: Evidence) -> PodBinding | None:
    build = evidence.build
    return PodBinding.NOT_A_START if build and build.transition is not Transition.START else None


def _task_is_gone(evidence: Evidence) -> PodBinding | None:
    owner = evidence.build.owner if evidence.build else None
    return PodBinding.NO_TASK if evidence.task is None or (owner and owner.uid != evidence.task.uid) else None


def _task_is_being_deleted(evidence: Evidence) -> PodBinding | None:
    return PodBinding.TASK_DELETED if evidence.task and evidence.task.deleting else None


def _build_was_superseded(evidence: Evidence) -> PodBinding | None:
    return PodBinding.SUPERSEDED if evidence.build and evidence.newest_start > evidence.build.number else None


def _build_is_newer_than_the_task_knows(evidence: Evidence) -> PodBinding | None:
    return PodBinding.UNRECORDED if evidence.build and evidence.newest_start < evidence.build.number else None


def _build_made_another_pod(evidence: Evidence) -> PodBinding | None:
    build = evidence.build
    return PodBinding.ANOTHER_POD if build and build.pod_uid and build.pod_uid != evidence.pod_uid else None


def _build_ended_without_a_pod(evidence: Evidence) -> PodBinding | None:
    build = evidence.build
    return PodBinding.BUILD_ENDED if build and build.phase in (BuildPhase.FAILED, BuildPhase.CANCELED) else None


def _pod_is_not_recorded(evidence: Evidence) -> PodBinding | None:
    return PodBinding.UNRECORDED if evidence.build and not evidence.build.pod_uid else None


_CHAIN: tuple[Callable[[Evidence], PodBinding | None], ...] = (
    _no_build_made_it,  # A Pod created by hand, whatever its labels
    _build_starts_nothing,  # A Pod created by hand under the name of a stop build
    _task_is_gone,  # Deleted, perhaps created again under the same name
    _task_is_being_deleted,  # Any request is too late now
    _build_was_superseded,  # Final, so before the findings that may still change
    _build_is_newer_than_the_task_knows,  # The Task was restored from an older copy: the operator will catch up
    _build_made_another_pod,  # A Pod created by hand under the build's name, before or after the build's own
    _build_ended_without_a_pod,  # Its Pod is being removed
    _pod_is_not_recorded,  # The ordinary wait between creation and binding
)
