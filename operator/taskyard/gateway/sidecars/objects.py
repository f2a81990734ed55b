"""What the gateway needs to know of API objects, taken out of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskyard.core.ownership import TaskOwner, owner_of

START = "Start"
STOP = "Stop"


@dataclass(frozen=True)
class Build:
    """A WorkspaceBuild. `owner` is None when no Task controls it, `pod_uid` empty while no Pod is recorded."""

    namespace: str
    name: str
    number: int
    transition: str
    phase: str
    prompt_sha256: str
    pod_uid: str
    owner: TaskOwner | None


@dataclass(frozen=True)
class Task:
    """A Task. `newest_number` is 0 before its first build; `status` is the whole status as it was read."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    deleting: bool
    prompt: str
    template_version: str
    newest_number: int
    newest_transition: str
    status: Mapping[str, Any]


def build_from(item: Mapping[str, Any]) -> Build:
    """Read a WorkspaceBuild."""
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    return Build(
        namespace=metadata["namespace"],
        name=metadata["name"],
        number=spec.get("number", 0),
        transition=spec.get("transition", ""),
        phase=status.get("phase", ""),
        prompt_sha256=spec.get("promptSHA256", ""),
        pod_uid=status.get("podUID") or "",
        owner=owner_of(item),
    )


def task_from(item: Mapping[str, Any]) -> Task:
    """Read a Task."""
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    newest = status.get("build") or {}
    return Task(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        deleting="deletionTimestamp" in metadata,
        prompt=spec.get("prompt", ""),
        template_version=status.get("templateVersion") or spec.get("templateVersion", ""),
        newest_number=newest.get("number", 0),
        newest_transition=newest.get("transition", ""),
        status=status,
    )
