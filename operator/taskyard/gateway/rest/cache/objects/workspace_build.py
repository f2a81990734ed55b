"""A WorkspaceBuild, and its Pod."""

from __future__ import annotations

from typing import TypedDict

from taskyard.core import names
from taskyard.core.ownership import owner_uid
from taskyard.core.resources import PODS, WORKSPACE_BUILDS
from taskyard.gateway.rest.cache.objects.kept import Kept, Metadata, Object, identity, shared
from taskyard.watchcache.kind import Kind

_Labels = TypedDict("_Labels", {"taskyard.dev/task": str}, total=False)


class BuildView(Kept, frozen=True, gc=False, kw_only=True):
    """A WorkspaceBuild; `owner` is the UID of its Task, empty where no Task controls it."""

    task: str
    owner: str
    number: int
    transition: str
    reason: str
    template_version: str
    phase: str
    started_at: str | None
    finished_at: str | None
    message: str


class PodView(Kept, frozen=True, gc=False, kw_only=True):
    """A Pod of the Task `task`: where its sidecar is."""

    task: str
    owner: str
    ip: str


class _BuildSpec(TypedDict, total=False):
    task: str
    number: int
    transition: str
    reason: str
    templateVersion: str | None


class _BuildStatus(TypedDict, total=False):
    phase: str | None
    startedAt: str | None
    finishedAt: str | None
    message: str | None


class _Build(TypedDict, total=False):
    metadata: Metadata
    spec: _BuildSpec
    status: _BuildStatus | None


class _LabelledMetadata(Metadata, total=False):
    labels: _Labels | None


class _PodStatus(TypedDict, total=False):
    podIP: str


class _Pod(TypedDict, total=False):
    metadata: _LabelledMetadata
    status: _PodStatus | None


def _build(manifest: Object) -> BuildView:
    spec, status = manifest["spec"], manifest.get("status") or {}
    return BuildView(
        **identity(manifest["metadata"]),
        task=shared(spec["task"]),
        owner=shared(owner_uid(manifest)),
        number=spec["number"],
        transition=shared(spec.get("transition")),
        reason=shared(spec.get("reason")),
        template_version=shared(spec.get("templateVersion")),
        phase=shared(status.get("phase")),
        started_at=status.get("startedAt"),
        finished_at=status.get("finishedAt"),
        message=status.get("message") or "",
    )


def _pod(manifest: Object) -> PodView:
    metadata = manifest["metadata"]
    return PodView(
        **identity(metadata),
        task=shared((metadata.get("labels") or {}).get(names.TASK_LABEL)),
        owner=shared(owner_uid(manifest)),
        ip=(manifest.get("status") or {}).get("podIP", ""),
    )


BUILD = Kind(WORKSPACE_BUILDS, _Build, _build)
POD = Kind(PODS, _Pod, _pod)
