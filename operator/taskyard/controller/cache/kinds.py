"""What the operator reads of each kind, and the view that it keeps of it.

The shapes name the fields that the views are made from; everything else of an object (above all `managedFields`, the
Pod's containers, and the content of messages beyond its length) is skipped or dropped as soon as it has arrived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

from taskyard.controller.cache.pod_templates import PodTemplates
from taskyard.controller.cache.task_choices import TaskChoices
from taskyard.controller.cache.unkept import Unkept
from taskyard.core.api_object import Manifest, version_of
from taskyard.core.build_view import BuildView
from taskyard.core.claim_view import ClaimView
from taskyard.core.input_view import InputView
from taskyard.core.manifests.network import Found
from taskyard.core.parameter_views import TemplateView
from taskyard.core.pod_view import PodView
from taskyard.core.resources import (
    CLAIMS,
    NETWORK_POLICIES,
    PODS,
    TASK_INPUTS,
    TASKS,
    TEMPLATE_VERSIONS,
    TEMPLATES,
    USABLE_SECRETS,
    WORKSPACE_BUILDS,
    Resource,
)
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView
from taskyard.watchcache.kind import Kind, MetadataShape, NameView

# Those that Taskyard reads: others may be many and large.
_Annotations = TypedDict(
    "_Annotations",
    {
        "taskyard.dev/resumed-at": str,
        "taskyard.dev/adoptable-by": str,
        "taskyard.dev/agent-container": str,
        "volume.kubernetes.io/selected-node": str,
    },
    total=False,
)


class _Metadata(TypedDict, total=False):
    name: str
    namespace: str
    uid: str
    resourceVersion: str
    generation: int
    creationTimestamp: str
    deletionTimestamp: str
    deletionGracePeriodSeconds: int | None
    generateName: str | None
    labels: dict[str, str] | None
    annotations: _Annotations | None
    ownerReferences: list[Manifest] | None


class _TaskSpec(TypedDict, total=False):
    prompt: str
    template: str | None
    templateVersion: str | None
    preset: str | None
    parameters: list[Manifest] | None
    paused: bool
    displayName: str | None
    idleTimeout: str | None
    maxRuntime: str | None
    ttlSecondsAfterFinished: int | None


class _Nothing(TypedDict, total=False):
    pass


class _TaskStatus(TypedDict, total=False):
    observedGeneration: Any
    observedUID: Any
    phase: Any
    displayName: Any
    state: Any
    template: Any
    templateVersion: Any
    build: Any
    workspace: Any
    pausedReason: Any
    idleDeadline: Any
    observedResumedAt: Any
    inputs: Any
    conditions: Any
    # Only whether they are there: a restored Task loses them.
    promptSHA256: Any
    snapshot: Any
    # Up to 16 KiB.
    outputs: list[_Nothing] | None


class _Task(TypedDict, total=False):
    metadata: _Metadata
    spec: _TaskSpec
    status: _TaskStatus


class _Whole(TypedDict, total=False):
    metadata: _Metadata
    spec: Manifest
    status: Manifest


class _InputSpec(TypedDict, total=False):
    task: str
    content: str
    type: str
    resume: bool
    answers: str | None


class _Input(TypedDict, total=False):
    metadata: _Metadata
    spec: _InputSpec
    status: Manifest


class _Named(TypedDict):
    name: str


class _NamedOrNot(TypedDict, total=False):
    name: str


class _PodSpec(TypedDict, total=False):
    nodeName: str | None
    restartPolicy: str
    initContainers: list[_Named] | None
    imagePullSecrets: list[_NamedOrNot] | None


class _PodStatus(TypedDict, total=False):
    phase: str
    podIP: str
    reason: str
    message: str
    conditions: list[Manifest]
    initContainerStatuses: list[Manifest]
    containerStatuses: list[Manifest]


class _Pod(TypedDict, total=False):
    metadata: _Metadata
    spec: _PodSpec
    status: _PodStatus


class _ClaimSpec(TypedDict, total=False):
    resources: Manifest
    volumeName: str | None
    storageClassName: str | None


class _Claim(TypedDict, total=False):
    metadata: _Metadata
    spec: _ClaimSpec
    status: Manifest


@dataclass(frozen=True, slots=True)
class PolicyView:
    """A NetworkPolicy, of which there is one in a namespace; `found` is all of it that counts."""

    namespace: str
    name: str
    uid: str
    version: int
    found: Found

    @classmethod
    def of(cls, manifest: Manifest) -> PolicyView:
        metadata = manifest["metadata"]
        return cls(metadata["namespace"], metadata["name"], metadata["uid"], version_of(manifest), Found.of(manifest))


TEMPLATE = Kind(TEMPLATES, _Whole, TemplateView.of)
INPUT = Kind(TASK_INPUTS, _Input, InputView.of)
POD = Kind(PODS, _Pod, PodView.of)
CLAIM = Kind(CLAIMS, _Claim, ClaimView.of)
POLICY = Kind(NETWORK_POLICIES, _Whole, PolicyView.of)
SECRET = Kind(USABLE_SECRETS, MetadataShape, NameView.of)


def task_kind(choices: TaskChoices) -> Kind[TaskView]:
    """Tasks, without large parameters."""
    return Kind(TASKS, _Task, choices.lean)


def build_kind(unkept: Unkept) -> Kind[BuildView]:
    """Builds, with what the API server did not keep of them."""
    return Kind(WORKSPACE_BUILDS, _Whole, lambda manifest: BuildView.of(unkept.restored(manifest)))


def template_version_kind(pods: PodTemplates) -> Kind[TemplateVersionView]:
    """Template versions, without their Pods, and without large parameters and presets."""
    return Kind(TEMPLATE_VERSIONS, _Whole, pods.lean)


# What is returned of their objects; the stores of Tasks, builds and template versions have views of their own of these
# shapes.
_LEAN = (task_kind(TaskChoices()), build_kind(Unkept()), template_version_kind(PodTemplates()))
BY_RESOURCE: dict[Resource, Kind[Any]] = {kind.resource: kind for kind in (TEMPLATE, INPUT, POD, CLAIM, POLICY, *_LEAN)}
