"""What ended a Pod that was to run on: a disruption, which is not its fault, or anything else, which may repeat itself.

Kubernetes says it in the Pod's condition DisruptionTarget and in `status.reason`. A Pod that is evicted through the API
is soon gone, so the cause is kept in the status of its build.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from taskyard.core import text_limits, times
from taskyard.core.text_sanitizer import one_line
from taskyard.limits import MAX_END_MESSAGE_CHARACTERS, MAX_END_REASON_CHARACTERS

Manifest = dict[str, Any]

# The condition's reasons that stand for a decision about the cluster, not about this Pod. The kubelet's own,
# TerminationByKubelet, covers the shutdown of a node as well as the eviction of a Pod that fills its disk.
DISRUPTIONS = frozenset({"EvictionByEvictionAPI", "PreemptionByScheduler", "DeletionByTaintManager", "DeletionByPodGC"})
NODE_SHUTDOWN = "NodeShutdown"
# status.reason of a Pod that the shutdown of its node ended or, at the kubelet's admission, kept from starting.
_SHUTDOWN_REASONS = frozenset({"Terminated", "NodeShutdown", "Shutdown"})
_EVICTED = "Evicted"
DELETED = "Deleted"
UNKNOWN = "Unknown"
# By so much the clock of a node may be behind that of the API server.
_SKEW = timedelta(seconds=2)


@dataclass(frozen=True)
class EndCause:
    """What ends a Pod, `since` when, if the Pod says so."""

    reason: str
    message: str = ""
    since: datetime | None = None

    @property
    def is_disruption(self) -> bool:
        return self.reason in DISRUPTIONS or self.reason == NODE_SHUTDOWN

    @property
    def told(self) -> str:
        """Reason and message, for people."""
        return f"{self.reason}: {self.message.rstrip('. ')}" if self.message else self.reason


@dataclass(frozen=True)
class PodEnd:
    """How the Pod of a start ended, as its build keeps it. `active_at` is when its agent first answered."""

    cause: EndCause
    at: datetime
    active_at: datetime | None

    @property
    def active_for(self) -> timedelta:
        """From the agent's first answer to the end."""
        return max(self.at - self.active_at, timedelta()) if self.active_at else timedelta()

    @classmethod
    def of(cls, stored: Manifest) -> PodEnd:
        active_at = stored.get("activeAt")
        return cls(
            EndCause(stored["reason"], stored.get("message", "")),
            at=times.parse(stored["time"]),
            active_at=times.parse(active_at) if active_at else None,
        )

    def manifest(self) -> Manifest:
        """`status.podEnd`."""
        result = {"reason": self.cause.reason, "time": times.rfc3339(self.at)}
        if self.cause.message:
            result["message"] = self.cause.message
        if self.active_at:
            result["activeAt"] = times.rfc3339(self.active_at)
        return result


def cause_of(pod: Manifest) -> EndCause | None:
    """What ends or ended a Pod; None for one that nothing ends. A disruption counts from its announcement, which comes
    a moment before the deletion (and may be withdrawn: the condition is False then)."""
    metadata, status = pod["metadata"], pod.get("status", {})
    reason, message = status.get("reason") or "", status.get("message") or ""
    ended = status.get("phase") in ("Succeeded", "Failed")
    target = next((c for c in status.get("conditions", ()) if c["type"] == "DisruptionTarget"), None)
    announced = target if target is not None and target["status"] == "True" else {}
    since = times.parse(announced["lastTransitionTime"]) if announced.get("lastTransitionTime") else None
    if announced.get("reason") in DISRUPTIONS and reason != _EVICTED:
        return cause(announced["reason"], announced.get("message") or "", since=since)
    if ended and reason in _SHUTDOWN_REASONS:
        # The kubelet announces it when it begins to stop the containers; the Pod ends with the last of them.
        return cause(NODE_SHUTDOWN, message, since=since)
    deleted_at = deletion(metadata)
    if ended and (reason or deleted_at is None or has_ended_by_itself(status, deleted_at)):
        return cause(reason or f"Pod{status['phase']}", message)
    return None if deleted_at is None else cause(DELETED, since=deleted_at)


def deletion(metadata: Manifest) -> datetime | None:
    """When somebody deleted the Pod; None while nobody has."""
    if "deletionTimestamp" not in metadata:
        return None
    grace = timedelta(seconds=metadata.get("deletionGracePeriodSeconds") or 0)
    return times.parse(metadata["deletionTimestamp"]) - grace


def has_ended_by_itself(status: Manifest, deleted_at: datetime) -> bool:
    """Whether all containers of a Pod that has ended had ended before its deletion. A Pod that is deleted while it runs
    ends too before it is gone, and then has the phase Failed, or Succeeded, by how its containers take the signal."""
    ends = [
        (container.get("state") or {}).get("terminated") or {}
        for kind in ("initContainerStatuses", "containerStatuses")
        for container in status.get(kind) or ()
    ]
    known = [times.parse(end["finishedAt"]) for end in ends if end.get("finishedAt")]
    return bool(known) and max(known) + _SKEW < deleted_at


def cause(reason: str, message: str = "", *, since: datetime | None = None) -> EndCause:
    """A cause, its texts shortened to what the status takes."""
    return EndCause(
        reason[:MAX_END_REASON_CHARACTERS],
        text_limits.shortened(one_line(message), MAX_END_MESSAGE_CHARACTERS),
        since=since,
    )
