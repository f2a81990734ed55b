"""Pods that do not start, as a Task's operator sees them, and what the Task then shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from taskyard.core import status
from taskyard.core.observed import Observed
from taskyard.core.pod_view import SIDECAR
from taskyard.core.start_cause import Reading, StartCause
from unit.core.builders import at, build, container_status, pod, running, template_version

WAITS = container_status(state="waiting", reason="PodInitializing")
CREATING = container_status(SIDECAR, "waiting", reason="ContainerCreating")
NO_SECRET = StartCause("FailedMount", 'MountVolume.SetUp failed for volume "keys" : secret "nothing" not found')
IN_USE = StartCause(
    "FailedAttachVolume", 'Multi-Attach error for volume "pvc-1" Volume is already used by pod(s) web-1'
)
NO_SANDBOX = StartCause("FailedCreatePodSandBox", "Failed to create pod sandbox: no room in range")
LONG = StartCause("FailedMount", "x" * 700)
ANSWER = 'Failed to pull image "nothing:1": rpc error: code = NotFound'
BACK_OFF = 'Back-off pulling image "nothing:1"'


def starting(*, seconds: float = 0, bound: float = 2, timeout: int = 600, **fields: Any) -> Observed:
    """A Task whose Pod has a node since `bound` seconds and whose containers wait, `seconds` after its creation."""
    made = pod(**{"agent": WAITS, "sidecar": CREATING, "phase": "Pending", **fields.pop("of_pod", {})})
    shown = {"phase": "Initializing", "workspace": {"appHealth": "Initializing"}, **fields.pop("status", {})}
    fields.setdefault("template_version", template_version(startTimeoutSeconds=timeout))
    seen = running(pods=(made,), status=shown, now=at(seconds), **fields)
    return replace(seen, builds=(build(phase="Succeeded", pod_uid="pod-1", finished_at=at(bound)),))


def reading(*, seconds: float, number: int = 1, uid: str = "pod-1", **fields: Any) -> Reading:
    return Reading(uid, at=at(seconds), number=number, **fields)


def shown(seen: Observed) -> tuple[str, dict[str, tuple[str, str]], str]:
    """Phase, conditions and the message of Ready."""
    found = status.document(seen)
    conditions = {c["type"]: (c["status"], c["reason"]) for c in found["conditions"]}
    return found["phase"], conditions, next(c["message"] for c in found["conditions"] if c["type"] == "Ready")


def image(reason: str, message: str, **fields: Any) -> Observed:
    waiting = container_status(state="waiting", reason=reason, message=message)
    return starting(of_pod={"sidecar": container_status(SIDECAR, ready=False), "agent": waiting}, **fields)


def cause(message: str) -> str:
    """A message about an image without its remedy."""
    found, _, remedy = message.partition(". It is pulled again by itself: ")
    assert remedy
    return found
