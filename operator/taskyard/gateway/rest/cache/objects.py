"""What is kept of each kind: what responses need, as slotted values. Everything else of an object, above all its
annotations and managedFields, a version's Pod and the content of long inputs, is skipped or dropped as it arrives.

Texts that many objects have are one text in memory.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any, TypedDict

import msgspec

from taskyard.core import names
from taskyard.core.api_object import packed, unpacked
from taskyard.core.ownership import owner_uid
from taskyard.core.resources import (
    NAMESPACES,
    PODS,
    TASK_INPUTS,
    TASKS,
    TEMPLATE_VERSIONS,
    TEMPLATES,
    WORKSPACE_BUILDS,
)
from taskyard.watchcache.kind import Kind

USER_ANNOTATION = "taskyard.dev/user"
# The content of a longer input is read when somebody asks for it.
KEPT_CHARACTERS = 1024

Object = dict[str, Any]


class _Kept(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is kept of every object. `created_at` is RFC 3339, in whole seconds of UTC."""

    namespace: str
    name: str
    uid: str
    version: int
    created_at: str


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


class TaskView(_Kept, frozen=True, gc=False, kw_only=True):
    """A Task. `template` and `template_version` are those that it uses, `wanted_…` those that its spec names.
    `snapshot_taken_at` is empty without a snapshot."""

    deleting: bool
    packed_prompt: str | bytes
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

    @property
    def prompt(self) -> str:
        return unpacked(self.packed_prompt)

    @property
    def prompt_bytes(self) -> int:
        """About the bytes of the prompt in JSON: a character of ASCII may be escaped, others are not."""
        text = self.packed_prompt
        return 2 * len(text) if isinstance(text, str) else len(text) + sum(map(text.count, (b'"', b"\\", b"\n")))


class TemplateView(_Kept, frozen=True, gc=False, kw_only=True):
    """A Template."""

    active_version: str
    display_name: str
    description: str


class PresetView(msgspec.Struct, frozen=True, gc=False):
    """A preset of a template version; `parameters` are names and packed values."""

    name: str
    description: str
    is_default: bool
    parameters: tuple[tuple[str, str | bytes], ...]


class TemplateVersionView(_Kept, frozen=True, gc=False, kw_only=True):
    """A TemplateVersion. `valid` is the status of the operator's check, empty before it, and `fault` its message."""

    template: str
    display_name: str
    description: str
    icon: str
    has_agent: bool
    presets: tuple[PresetView, ...]
    valid: str
    fault: str


class BuildView(_Kept, frozen=True, gc=False, kw_only=True):
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


class PodView(_Kept, frozen=True, gc=False, kw_only=True):
    """A Pod of the Task `task`: where its sidecar is."""

    task: str
    owner: str
    ip: str


class InputView(_Kept, frozen=True, gc=False, kw_only=True):
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


class NamespaceView(_Kept, frozen=True, gc=False, kw_only=True):
    """A namespace; its `namespace` is empty. `user` is the user whom its annotation names, else empty."""

    user: str


_Annotations = TypedDict("_Annotations", {"taskyard.dev/user": str}, total=False)
_Labels = TypedDict("_Labels", {"taskyard.dev/task": str}, total=False)


class _Reference(TypedDict, total=False):
    apiVersion: str
    kind: str
    name: str
    uid: str
    controller: bool | None


class _Metadata(TypedDict, total=False):
    name: str
    namespace: str
    uid: str
    resourceVersion: str
    creationTimestamp: str
    deletionTimestamp: str | None
    ownerReferences: list[_Reference] | None


class _Labelled(_Metadata, total=False):
    labels: _Labels | None


class _Annotated(_Metadata, total=False):
    annotations: _Annotations | None


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
    metadata: _Metadata
    spec: _TaskSpec
    status: _TaskStatus | None


class _TemplateSpec(TypedDict, total=False):
    activeVersion: str
    displayName: str | None
    description: str | None


class _Template(TypedDict, total=False):
    metadata: _Metadata
    spec: _TemplateSpec


class _Given(TypedDict):
    name: str
    value: str


class _Preset(TypedDict, total=False):
    name: str
    description: str | None
    default: bool | None
    parameters: list[_Given] | None


class _Condition(TypedDict, total=False):
    type: str
    status: str
    message: str


class _Nothing(TypedDict, total=False):
    pass


class _VersionSpec(TypedDict, total=False):
    template: str
    displayName: str | None
    description: str | None
    icon: str | None
    agent: _Nothing | None
    presets: list[_Preset] | None


class _VersionStatus(TypedDict, total=False):
    conditions: list[_Condition] | None


class _Version(TypedDict, total=False):
    metadata: _Metadata
    spec: _VersionSpec
    status: _VersionStatus | None


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
    metadata: _Metadata
    spec: _BuildSpec
    status: _BuildStatus | None


class _PodStatus(TypedDict, total=False):
    podIP: str


class _Pod(TypedDict, total=False):
    metadata: _Labelled
    status: _PodStatus | None


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
    metadata: _Metadata
    spec: _InputSpec
    status: _InputStatus | None


class _Namespace(TypedDict, total=False):
    metadata: _Annotated


def digest(content: str) -> bytes:
    """Stands for an input's content."""
    return hashlib.sha256(content.encode(errors="replace")).digest()


def _task(manifest: Object) -> TaskView:
    metadata, spec, status = manifest["metadata"], manifest["spec"], manifest.get("status") or {}
    return TaskView(
        **_identity(metadata),
        deleting=bool(metadata.get("deletionTimestamp")),
        packed_prompt=packed(spec.get("prompt", "")),
        title=spec.get("displayName") or status.get("displayName") or metadata["name"],
        paused=bool(spec.get("paused")),
        wanted_template=_shared(spec.get("template")),
        wanted_version=_shared(spec.get("templateVersion")),
        phase=_shared(status.get("phase")),
        template=_shared(status.get("template")),
        template_version=_shared(status.get("templateVersion")),
        build=_lean(status.get("build"), "transition", "reason", "phase"),
        workspace=_lean(status.get("workspace"), "status", "agent_lifecycle", "app_health") or _NO_WORKSPACE,
        state=_lean(status.get("state"), "state"),
        idle_deadline=status.get("idleDeadline"),
        snapshot_taken_at=(status.get("snapshot") or {}).get("takenAt", ""),
    )


def _template(manifest: Object) -> TemplateView:
    spec = manifest["spec"]
    return TemplateView(
        **_identity(manifest["metadata"]),
        active_version=_shared(spec["activeVersion"]),
        display_name=spec.get("displayName") or "",
        description=spec.get("description") or "",
    )


def _version(manifest: Object) -> TemplateVersionView:
    spec, status = manifest["spec"], manifest.get("status") or {}
    valid: Object = next((entry for entry in status.get("conditions") or () if entry.get("type") == "Valid"), {})
    return TemplateVersionView(
        **_identity(manifest["metadata"]),
        template=_shared(spec["template"]),
        display_name=spec.get("displayName") or "",
        description=spec.get("description") or "",
        icon=spec.get("icon") or "",
        has_agent=spec.get("agent") is not None,
        presets=tuple(
            PresetView(
                name=preset["name"],
                description=preset.get("description") or "",
                is_default=bool(preset.get("default")),
                parameters=tuple((given["name"], packed(given["value"])) for given in preset.get("parameters") or ()),
            )
            for preset in spec.get("presets") or ()
        ),
        valid=_shared(valid.get("status")),
        fault=valid.get("message", "") if valid.get("status") == "False" else "",
    )


def _build(manifest: Object) -> BuildView:
    spec, status = manifest["spec"], manifest.get("status") or {}
    return BuildView(
        **_identity(manifest["metadata"]),
        task=_shared(spec["task"]),
        owner=_shared(owner_uid(manifest)),
        number=spec["number"],
        transition=_shared(spec.get("transition")),
        reason=_shared(spec.get("reason")),
        template_version=_shared(spec.get("templateVersion")),
        phase=_shared(status.get("phase")),
        started_at=status.get("startedAt"),
        finished_at=status.get("finishedAt"),
        message=status.get("message") or "",
    )


def _pod(manifest: Object) -> PodView:
    metadata = manifest["metadata"]
    return PodView(
        **_identity(metadata),
        task=_shared((metadata.get("labels") or {}).get(names.TASK_LABEL)),
        owner=_shared(owner_uid(manifest)),
        ip=(manifest.get("status") or {}).get("podIP", ""),
    )


def _input(manifest: Object) -> InputView:
    metadata, spec, status = manifest["metadata"], manifest["spec"], manifest.get("status") or {}
    content = spec.get("content", "")
    return InputView(
        **_identity(metadata),
        task=_shared(spec["task"]),
        owner=_shared(owner_uid(manifest)),
        order=status.get("order") or int(metadata["resourceVersion"]),
        content=content if len(content) <= KEPT_CHARACTERS else None,
        size=len(content) * (2 if content.isascii() else 4),
        digest=digest(content),
        type=_shared(spec.get("type") or "User"),
        resume=spec.get("resume", False),
        answers=spec.get("answers"),
        phase=_shared(status.get("phase") or "Queued"),
        message=status.get("message") or "",
        delivered_at=status.get("deliveredAt"),
        rejected_at=status.get("rejectedAt"),
    )


def _namespace(manifest: Object) -> NamespaceView:
    metadata = manifest["metadata"]
    identity = _identity(metadata) | {"namespace": ""}
    return NamespaceView(**identity, user=(metadata.get("annotations") or {}).get(USER_ANNOTATION, ""))


TASK = Kind(TASKS, _Task, _task)
TEMPLATE = Kind(TEMPLATES, _Template, _template)
TEMPLATE_VERSION = Kind(TEMPLATE_VERSIONS, _Version, _version)
BUILD = Kind(WORKSPACE_BUILDS, _Build, _build)
POD = Kind(PODS, _Pod, _pod)
INPUT = Kind(TASK_INPUTS, _Input, _input)
NAMESPACE = Kind(NAMESPACES, _Namespace, _namespace)

_NO_WORKSPACE = Workspace()


def _identity(metadata: Object) -> dict[str, Any]:
    return {
        "namespace": _shared(metadata.get("namespace")),
        # Objects of several kinds have the name of a Task, or refer to its UID.
        "name": _shared(metadata["name"]),
        "uid": _shared(metadata["uid"]),
        "version": int(metadata["resourceVersion"]),
        "created_at": _shared(metadata["creationTimestamp"]),
    }


def _shared(text: str | None) -> str:
    return sys.intern(text) if text else ""


def _lean(found: Any, *fields: str) -> Any:
    """The same value; texts of these fields, which others have too, are theirs."""
    if found is None:
        return None
    return msgspec.structs.replace(
        found, **{name: _shared(text) for name in fields if (text := getattr(found, name)) is not None}
    )
