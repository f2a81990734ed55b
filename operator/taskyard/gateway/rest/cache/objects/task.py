"""A Task, and the parts of its status."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

import msgspec

from taskyard.core.api_object import packed
from taskyard.core.resources import TASKS
from taskyard.gateway.rest.cache.objects.kept import Kept, Metadata, Object, identity, lean, shared
from taskyard.watchcache.kind import Kind

# A longer prompt, in characters of ASCII or in bytes of UTF-8, is no part of the view.
KEPT_LENGTH = 2048


class ReservedBuild(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The newest build, as `status.build` of a Task has it."""

    number: int = 0
    name: str = ""
    transition: str = ""
    reason: str = ""
    phase: str = ""
    created_at: str = ""


class Workspace(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """`status.workspace` of a Task."""

    status: str | None = None
    pod: str | None = None
    agent_lifecycle: str | None = None
    app_health: str | None = None


class ReportedState(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """`status.state` of a Task: what its agent has reported last."""

    build: int = 0
    state: str = ""
    message: str = ""
    uri: str = ""
    timestamp: str = ""


class TaskView(Kept, frozen=True, gc=False, kw_only=True):
    """A Task. `template` and `template_version` are those that it uses, `wanted_…` those that its spec names.
    `snapshot_taken_at` is empty without a snapshot. `packed_prompt` is None for a long one; `prompt_bytes` is about its
    bytes as JSON."""

    deleting: bool
    packed_prompt: str | bytes | None
    prompt_bytes: int
    title: str
    paused: bool
    wanted_template: str
    wanted_version: str
    phase: str
    template: str
    template_version: str
    build: ReservedBuild | None
    workspace: Workspace
    state: ReportedState | None
    idle_deadline: str | None
    snapshot_taken_at: str


class _TaskSpec(TypedDict, total=False):
    prompt: str
    template: str | None
    templateVersion: str | None
    displayName: str | None
    paused: bool | None


class _Snapshot(TypedDict, total=False):
    takenAt: str


class _TaskStatus(TypedDict, total=False):
    phase: str | None
    displayName: str | None
    template: str | None
    templateVersion: str | None
    build: ReservedBuild | None
    workspace: Workspace | None
    state: ReportedState | None
    idleDeadline: str | None
    snapshot: _Snapshot | None


class _Task(TypedDict, total=False):
    metadata: Metadata
    spec: _TaskSpec
    status: _TaskStatus | None


def task_kind(hold: Callable[[str, int, str | bytes], None]) -> Kind[TaskView]:
    """The kind Task. Long prompts are no part of a view: `hold` is told UID, resourceVersion and packed prompt."""

    def view(manifest: Object) -> TaskView:
        prompt = packed(manifest["spec"].get("prompt", ""))
        is_long = len(prompt) > KEPT_LENGTH
        found = _task(manifest, None if is_long else prompt, _json_bytes(prompt))
        if is_long:
            hold(found.uid, found.version, prompt)
        return found

    return Kind(TASKS, _Task, view)


def _task(manifest: Object, prompt: str | bytes | None, prompt_bytes: int) -> TaskView:
    metadata, spec, status = manifest["metadata"], manifest["spec"], manifest.get("status") or {}
    return TaskView(
        **identity(metadata),
        deleting=bool(metadata.get("deletionTimestamp")),
        packed_prompt=prompt,
        prompt_bytes=prompt_bytes,
        title=spec.get("displayName") or status.get("displayName") or metadata["name"],
        paused=bool(spec.get("paused")),
        wanted_template=shared(spec.get("template")),
        wanted_version=shared(spec.get("templateVersion")),
        phase=shared(status.get("phase")),
        template=shared(status.get("template")),
        template_version=shared(status.get("templateVersion")),
        build=lean(status.get("build"), "transition", "reason", "phase"),
        workspace=lean(status.get("workspace"), "status", "agent_lifecycle", "app_health") or _NO_WORKSPACE,
        state=lean(status.get("state"), "state"),
        idle_deadline=status.get("idleDeadline"),
        snapshot_taken_at=(status.get("snapshot") or {}).get("takenAt", ""),
    )


_NO_WORKSPACE = Workspace()


def _json_bytes(text: str | bytes) -> int:
    """About the bytes of a packed text in JSON: a character of ASCII may be escaped, others are not."""
    return 2 * len(text) if isinstance(text, str) else len(text) + sum(map(text.count, (b'"', b"\\", b"\n")))
