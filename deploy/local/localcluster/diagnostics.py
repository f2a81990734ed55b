"""What is wrong with Pods and Tasks, as their objects tell. Pure.

Objects are as ``kubectl --output=json`` prints them; a missing field means "not known yet".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

# These are normal while a Pod starts.
_ORDINARY = frozenset({"ContainerCreating", "PodInitializing"})
# Waiting does not help: the image or the configuration has to be fixed.
_HOPELESS = frozenset({"ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError", "ImagePullBackOff"})
_CRASHES_ENOUGH = 3


@dataclass(frozen=True)
class Diagnosis:
    """What keeps a Pod from being ready. ``container`` is empty for the Pod itself; ``has_logs``: it has run."""

    namespace: str
    pod: str
    container: str
    reason: str
    message: str
    hopeless: bool = False
    has_logs: bool = False

    @property
    def text(self) -> str:
        where = f"Pod {self.pod}, container {self.container}" if self.container else f"Pod {self.pod}"
        return f"{where}: {self.reason}" + (f": {' '.join(self.message.split())}" if self.message else "")


def of_pods(pods: Iterable[Object]) -> list[Diagnosis]:
    """What is wrong with these Pods, the most severe first."""
    found = [trouble for pod in pods for trouble in _of_pod(pod)]
    return sorted(found, key=lambda one: (not one.hopeless, not one.has_logs))


def is_ready(pod: Object) -> bool:
    """Whether a Pod's condition Ready is True."""
    return _condition(pod, "Ready").get("status") == "True"


def of_task(task: Object) -> str | None:
    """Why a Task is not Ready, by its own condition; None when it is Ready or has no such condition yet."""
    ready = _condition(task, "Ready")
    if not ready or ready.get("status") == "True":
        return None
    return f"{ready.get('reason', 'NotReady')}: {ready.get('message', '')}".rstrip(": ")


def conditions(found: Object) -> list[str]:
    """An object's conditions, one line each."""
    return [
        f"{one.get('type')}={one.get('status')} {one.get('reason', '')}: {one.get('message', '')}".rstrip(": ")
        for one in found.get("status", {}).get("conditions", [])
    ]


def warnings(events: Iterable[Object], *, most: int = 5) -> list[str]:
    """The newest events of type Warning, oldest first, one line each."""
    told = sorted((event for event in events if event.get("type") == "Warning"), key=_event_time)
    lines: list[str] = []
    for event in told:
        about = event.get("involvedObject", {})
        text = " ".join(event.get("message", "").split())
        line = f"{about.get('kind', '')} {about.get('name', '')}: {event.get('reason', '')}: {text}"
        lines = [one for one in lines if one != line] + [line]
    return lines[-most:]


def is_over(task: Object) -> bool:
    """Whether waiting for a Task is pointless: its build has failed, and it does not recover by itself."""
    return task.get("status", {}).get("build", {}).get("phase") in ("Failed", "Canceled")


def _of_pod(pod: Object) -> list[Diagnosis]:
    if is_ready(pod) or "deletionTimestamp" in pod["metadata"]:
        return []
    namespace, name = pod["metadata"].get("namespace", ""), pod["metadata"]["name"]
    status = pod.get("status", {})
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return [Diagnosis(namespace, name, "", scheduled.get("reason", "Unscheduled"), scheduled.get("message", ""))]
    containers: Sequence[Object] = [
        *status.get("initContainerStatuses", []),
        *status.get("containerStatuses", []),
    ]
    return [trouble for one in containers if (trouble := _of_container(namespace, name, one)) is not None]


def _of_container(namespace: str, pod: str, container: Object) -> Diagnosis | None:
    name, restarts = container["name"], container.get("restartCount", 0)
    state = container.get("state", {})
    ended = state.get("terminated") or container.get("lastState", {}).get("terminated")
    waiting = state.get("waiting")
    if waiting:
        reason, message = waiting.get("reason", "Waiting"), waiting.get("message", "")
        if reason in _ORDINARY and not ended:
            return None
        hopeless = reason in _HOPELESS or (reason == "CrashLoopBackOff" and restarts >= _CRASHES_ENOUGH)
        if ended and reason == "CrashLoopBackOff":
            message = f"it ended with exit code {ended.get('exitCode')}, {restarts} restarts"
        return Diagnosis(namespace, pod, name, reason, message, hopeless, has_logs=bool(ended))
    if "terminated" in state:
        if state["terminated"].get("exitCode") == 0:
            return None
        code = state["terminated"].get("exitCode")
        return Diagnosis(
            namespace, pod, name, state["terminated"].get("reason", "Error"), f"it ended with exit code {code}",
            has_logs=True,
        )  # fmt: skip
    if "running" in state and not container.get("ready", False):
        return Diagnosis(namespace, pod, name, "NotReady", "it is running but does not answer yet", has_logs=True)
    return None


def _condition(found: Object, kind: str) -> Object:
    held: list[Object] = found.get("status", {}).get("conditions") or []
    return next((one for one in held if one.get("type") == kind), {})


def _event_time(event: Object) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp", ""))
