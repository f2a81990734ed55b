"""A TaskInput."""

from __future__ import annotations

import hashlib
from typing import TypedDict

from taskyard.core.ownership import owner_uid
from taskyard.core.resources import TASK_INPUTS
from taskyard.gateway.rest.cache.objects.kept import Kept, Metadata, Object, identity, shared
from taskyard.watchcache.kind import Kind

# The content of a longer input is read when somebody asks for it.
KEPT_CHARACTERS = 1024


class InputView(Kept, frozen=True, gc=False, kw_only=True):
    """A TaskInput. `content` is None for a long one; `size` is about its bytes as JSON, and `digest` stands for it."""

    task: str
    owner: str
    order: int
    content: str | None
    size: int
    digest: bytes
    type: str
    resume: bool
    answers: str | None
    phase: str
    message: str
    delivered_at: str | None
    rejected_at: str | None


class _InputSpec(TypedDict, total=False):
    task: str
    content: str
    type: str
    resume: bool
    answers: str | None


class _InputStatus(TypedDict, total=False):
    phase: str | None
    order: int | None
    message: str | None
    deliveredAt: str | None
    rejectedAt: str | None


class _Input(TypedDict, total=False):
    metadata: Metadata
    spec: _InputSpec
    status: _InputStatus | None


def digest(content: str) -> bytes:
    """Stands for an input's content."""
    return hashlib.sha256(content.encode(errors="replace")).digest()


def _input(manifest: Object) -> InputView:
    metadata, spec, status = manifest["metadata"], manifest["spec"], manifest.get("status") or {}
    content = spec.get("content", "")
    return InputView(
        **identity(metadata),
        task=shared(spec["task"]),
        owner=shared(owner_uid(manifest)),
        order=status.get("order") or int(metadata["resourceVersion"]),
        content=content if len(content) <= KEPT_CHARACTERS else None,
        size=len(content) * (2 if content.isascii() else 4),
        digest=digest(content),
        type=shared(spec.get("type") or "User"),
        resume=spec.get("resume", False),
        answers=spec.get("answers"),
        phase=shared(status.get("phase") or "Queued"),
        message=status.get("message") or "",
        delivered_at=status.get("deliveredAt"),
        rejected_at=status.get("rejectedAt"),
    )


INPUT = Kind(TASK_INPUTS, _Input, _input)
