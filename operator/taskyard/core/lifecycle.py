"""Agent lifecycle and app health, read off the Pod (docs/architecture.md, From objects to phase)."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from taskyard.core.pod_view import SIDECAR, ContainerView, PodView

# The kubelet's reasons for a container that it cannot start; it tries again, but a person has to fix the cause.
CANNOT_START = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "StartError",
    }
)

# What no waiting mends, since the Pod says it: a name that is none, and an image that this Pod may not run.
_HOPELESS = frozenset({"InvalidImageName"})
_HOPELESS_MESSAGES = ("container has runAsNonRoot", "container's runAsUser breaks non-root policy")


class AgentLifecycle(StrEnum):
    """How far the agent's container has come."""

    CREATED = "Created"
    STARTING = "Starting"
    READY = "Ready"
    START_ERROR = "StartError"
    START_TIMEOUT = "StartTimeout"
    SHUTTING_DOWN = "ShuttingDown"
    OFF = "Off"


class AppHealth(StrEnum):
    """Whether the agent answers, by the sidecar's readiness."""

    INITIALIZING = "Initializing"
    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"


def start_fault(pod: PodView) -> ContainerView | None:
    """The container that cannot start: its image cannot be pulled, its configuration is wrong, or it is an init
    container that failed."""
    for container in pod.init_containers:
        # Between two attempts the kubelet shows the wait, not the failure.
        if container.waiting_reason in CANNOT_START or container.waiting_reason == "CrashLoopBackOff":
            return container
        if container.name != SIDECAR and container.exit_code not in (None, 0):
            return container
    return next((c for c in pod.containers if c.waiting_reason in CANNOT_START), None)


def is_hopeless(pod: PodView) -> bool:
    """Whether a container can never start in this Pod."""
    fault = start_fault(pod)
    if fault is None:
        return False
    return fault.waiting_reason in _HOPELESS or (fault.waiting_message or "").startswith(_HOPELESS_MESSAGES)


def agent_lifecycle(
    *, pod: PodView | None, enrolled: bool, start_timeout: timedelta | None, now: datetime
) -> AgentLifecycle:
    """Lifecycle after a start build that succeeded. `enrolled`: the sidecar has enrolled in this build. `start_timeout`
    is None when the template version is gone: the Pod then has no time limit."""
    if pod is None or pod.ended:
        return AgentLifecycle.OFF
    if pod.deleting:
        return AgentLifecycle.SHUTTING_DOWN
    agent = pod.agent
    if agent and enrolled and (agent.running or agent.restarts > 0):
        # A container between two runs counts as ready: the health shows that it does not answer.
        return AgentLifecycle.READY
    if agent and enrolled and pod.runs_once and agent.exit_code is not None:
        return AgentLifecycle.READY  # a command that has ended; the Pod will end too
    if start_fault(pod):
        return AgentLifecycle.START_ERROR
    if start_timeout is not None and now >= pod.created_at + start_timeout:
        return AgentLifecycle.START_TIMEOUT
    return AgentLifecycle.STARTING if enrolled else AgentLifecycle.CREATED


def app_health(*, pod: PodView | None, former: str | None) -> AppHealth | None:
    """Health in this build; `former` is the health shown before, None at the start of the build."""
    if pod is None:
        return None
    if pod.sidecar and pod.sidecar.ready:
        return AppHealth.HEALTHY
    if pod.runs_once and pod.agent and pod.agent.exit_code is not None:
        return AppHealth.HEALTHY  # once the command has ended, its sidecar is no longer ready
    return AppHealth.UNHEALTHY if former in (AppHealth.HEALTHY, AppHealth.UNHEALTHY) else AppHealth.INITIALIZING
