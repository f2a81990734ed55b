"""A Task's phase: build, then agent, then app; the first that is not active wins.

The rules are those of the model that Taskyard's REST API is compatible with; `Pausing`, a stop that has not finished,
is Taskyard's own and is shown there as `unknown`.
"""

from __future__ import annotations

from taskyard.api.vocabulary import BuildPhase, Phase, Transition
from taskyard.core.lifecycle import AgentLifecycle, AppHealth


def from_build(*, transition: Transition, phase: BuildPhase) -> Phase:
    """The phase as far as the newest build decides it."""
    if phase in (BuildPhase.FAILED, BuildPhase.CANCELED):
        return Phase.ERROR
    if transition is Transition.STOP:
        return Phase.PAUSED if phase is BuildPhase.SUCCEEDED else Phase.PAUSING
    return Phase.PENDING if phase is BuildPhase.PENDING else Phase.ACTIVE


def from_agent(lifecycle: AgentLifecycle | None) -> Phase:
    """The phase as far as the agent's lifecycle decides it. A failed start is left to the app's health: the app may
    answer all the same."""
    match lifecycle:
        case None | AgentLifecycle.CREATED | AgentLifecycle.STARTING:
            return Phase.INITIALIZING
        case AgentLifecycle.READY | AgentLifecycle.START_TIMEOUT | AgentLifecycle.START_ERROR:
            return Phase.ACTIVE
        case AgentLifecycle.SHUTTING_DOWN | AgentLifecycle.OFF:
            return Phase.UNKNOWN


def from_app(health: AppHealth | None, *, given_up: bool = False) -> Phase:
    """The phase as far as the app's health decides it. `given_up`: an app that never answered has had its time."""
    match health:
        case AppHealth.INITIALIZING:
            return Phase.ERROR if given_up else Phase.INITIALIZING
        case AppHealth.UNHEALTHY:
            return Phase.ERROR
        case AppHealth.HEALTHY:
            return Phase.ACTIVE
        case None:
            return Phase.UNKNOWN


def phase(
    *,
    transition: Transition,
    build_phase: BuildPhase,
    lifecycle: AgentLifecycle | None,
    health: AppHealth | None,
    given_up: bool = False,
) -> Phase:
    """Phase of a Task that has a build."""
    for answer in (
        from_build(transition=transition, phase=build_phase),
        from_agent(lifecycle),
        from_app(health, given_up=given_up),
    ):
        if answer is not Phase.ACTIVE:
            return answer
    return Phase.ACTIVE
