"""What the gateway needs to know about a sidecar's Task and builds, extracted from the API objects.

These are smaller than the views of `core`, which raise on unknown values because the operator decides by them. Here an
absent field, or a value from a newer operator (the two are updated one after the other), must not keep an unaffected
sidecar from enrolling: an unknown transition or phase is None, which counts as neither a start nor an end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from taskyard.api.vocabulary import BuildPhase, Transition
from taskyard.core.ownership import TaskOwner, owner_of

W = TypeVar("W", bound=StrEnum)


@dataclass(frozen=True)
class Build:
    """A WorkspaceBuild. `owner` is None when no Task controls it, `pod_uid` empty while no Pod is recorded."""

    namespace: str
    name: str
    number: int
    transition: Transition | None
    phase: BuildPhase | None
    prompt_sha256: str
    pod_uid: str
    owner: TaskOwner | None


@dataclass(frozen=True)
class Task:
    """A Task. `newest_number` is 0 before its first build; `status` is the complete status as read."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    deleting: bool
    prompt: str
    template_version: str
    newest_number: int
    newest_transition: Transition | None
    status: Mapping[str, Any]


def build_from(item: Mapping[str, Any]) -> Build:
    """Read a WorkspaceBuild."""
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    return Build(
        namespace=metadata["namespace"],
        name=metadata["name"],
        number=spec.get("number", 0),
        transition=_known(Transition, spec.get("transition")),
        phase=_known(BuildPhase, status.get("phase")),
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
        newest_transition=_known(Transition, newest.get("transition")),
        status=status,
    )


def _known(words: type[W], word: Any) -> W | None:
    try:
        return words(word)
    except ValueError:
        return None
