"""Views: what decisions need to know about the API objects, as frozen plain values.

A view is made once, when an object arrives, and is all that is kept of it: `controller/kinds.py` names the fields that
are read. Fields that the API server guarantees are read without a default. Texts that many objects have are one object
in memory.
"""

from __future__ import annotations

import sys
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from taskyard.api.vocabulary import BuildPhase, BuildReason, Transition
from taskyard.core import names, task_title, times
from taskyard.core.ownership import Owners, controller_uid, owners_of
from taskyard.core.parameter_views import GivenView, ParameterView, PresetView, TemplateView
from taskyard.core.pod_end import EndCause, PodEnd, cause_of
from taskyard.core.security.keys import prompt_sha256
from taskyard.core.start_cause import Reading

SIDECAR = "taskyard-sidecar"
# Longer texts are hardly ever the same in two objects.
SHARED_CHARACTERS = 128

Manifest = dict[str, Any]


def without_nulls(value: Any) -> Any:
    """A copy without fields that are null: to Kubernetes, null means absent."""
    if isinstance(value, dict):
        return {key: without_nulls(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [without_nulls(part) for part in value if part is not None]
    return value


def shared(value: Any) -> Any:
    """The same value; texts that other objects have too are theirs."""
    if type(value) is str:
        return sys.intern(value) if len(value) <= SHARED_CHARACTERS else value
    if isinstance(value, dict):
        return {key: shared(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shared(part) for part in value]
    return value


def version_of(manifest: Manifest) -> int:
    """The resourceVersion as a number."""
    return int(manifest["metadata"]["resourceVersion"])


@dataclass(frozen=True, slots=True)
class TaskView:
    """A Task. `title` is its name for people, made from the prompt where it has none. `status` is the document as it is
    stored, without what only people read; if that is another Task's, with which this one was restored, it is empty,
    and `stale_status` are the names of its fields."""

    namespace: str
    name: str
    uid: str
    version: int
    generation: int
    created_at: datetime
    deleting: bool
    prompt_sha256: str
    title: str
    template_version: str | None
    paused: bool
    idle_timeout: str | None
    max_runtime: str | None
    ttl_seconds_after_finished: int | None
    resumed_at: str | None
    status: Manifest
    template: str | None = None
    preset: str | None = None
    parameters: tuple[GivenView, ...] = ()
    stale_status: tuple[str, ...] = ()

    @property
    def resource_version(self) -> str:
        return str(self.version)

    @property
    def build(self) -> Manifest | None:
        """The reservation of the newest build, `status.build`."""
        return self.status.get("build")

    @property
    def reserved_number(self) -> int:
        """Highest number reserved so far; 0 before the first build."""
        return int(self.build["number"]) if self.build else 0

    @classmethod
    def of(cls, task: Manifest) -> TaskView:
        metadata, spec, status = task["metadata"], task["spec"], task.get("status", {})
        is_stale = status.get("observedUID", metadata["uid"]) != metadata["uid"]
        prompt, name = spec["prompt"], sys.intern(metadata["name"])
        return cls(
            namespace=sys.intern(metadata["namespace"]),
            name=name,
            uid=sys.intern(metadata["uid"]),
            version=version_of(task),
            generation=metadata["generation"],
            created_at=times.parse(metadata["creationTimestamp"]),
            deleting="deletionTimestamp" in metadata,
            prompt_sha256=prompt_sha256(prompt),
            title=shared(spec.get("displayName") or task_title.display_name(prompt, fallback=name)),
            template_version=shared(spec.get("templateVersion")),
            paused=spec.get("paused", False),
            idle_timeout=spec.get("idleTimeout"),
            max_runtime=spec.get("maxRuntime"),
            ttl_seconds_after_finished=spec.get("ttlSecondsAfterFinished"),
            resumed_at=(metadata.get("annotations") or {}).get(names.RESUMED_AT),
            status={} if is_stale else shared(status),
            stale_status=tuple(status) if is_stale else (),
            template=shared(spec.get("template")),
            preset=shared(spec.get("preset")),
            parameters=tuple(map(GivenView.of, spec.get("parameters") or ())),
        )


@dataclass(frozen=True, slots=True)
class BuildView:
    """A WorkspaceBuild. `task` is the name of its Task."""

    namespace: str
    name: str
    uid: str
    version: int
    owners: Owners
    task: str
    deleting: bool
    number: int
    transition: Transition
    reason: BuildReason
    template_version: str
    prompt_sha256: str
    phase: BuildPhase
    pod_uid: str | None
    message: str | None
    created_at: datetime
    finished_at: datetime | None
    pod_end: PodEnd | None = None
    resize_refusal: str | None = None

    @property
    def resource_version(self) -> str:
        return str(self.version)

    @property
    def owner(self) -> str | None:
        """UID of the Task that controls it."""
        return controller_uid(self.owners)

    @property
    def left_behind_by(self) -> str | None:
        """The name of the Task that it was one of, if it has lost its owner."""
        is_named_so = self.name == names.build_name(self.task, self.number)
        return self.task if is_named_so and not self.owners else None

    @property
    def finished(self) -> bool:
        return self.phase in (BuildPhase.SUCCEEDED, BuildPhase.FAILED, BuildPhase.CANCELED)

    @classmethod
    def of(cls, build: Manifest) -> BuildView:
        spec, status = build["spec"], build.get("status", {})
        finished_at = status.get("finishedAt")
        metadata = build["metadata"]
        return cls(
            namespace=sys.intern(metadata["namespace"]),
            name=sys.intern(metadata["name"]),
            uid=metadata["uid"],
            version=version_of(build),
            owners=owners_of(build),
            task=sys.intern(spec["task"]),
            deleting="deletionTimestamp" in metadata,
            number=spec["number"],
            transition=Transition(spec["transition"]),
            reason=BuildReason(spec["reason"]),
            template_version=shared(spec["templateVersion"]),
            prompt_sha256=shared(spec["promptSHA256"]),
            phase=BuildPhase(status.get("phase", BuildPhase.PENDING)),
            pod_uid=shared(status.get("podUID")),
            message=status.get("message"),
            created_at=times.parse(metadata["creationTimestamp"]),
            finished_at=times.parse(finished_at) if finished_at else None,
            pod_end=PodEnd.of(status["podEnd"]) if "podEnd" in status else None,
            resize_refusal=status.get("resizeRefusal"),
        )


@dataclass(frozen=True, slots=True)
class ClaimView:
    """The claim of a Task's home. `task` is the Task of its label. `requested` is the size that is asked for,
    `capacity` that of the volume, None before there is one; both are quantities. `resizing` is what Kubernetes says
    about a change of the size. `adoptable_by` is the Task that an annotation allows to take it over."""

    namespace: str
    name: str
    uid: str
    version: int
    owners: Owners
    task: str
    deleting: bool
    requested: str
    capacity: str | None
    resizing: str | None = None
    adoptable_by: str | None = None

    @property
    def resource_version(self) -> str:
        return str(self.version)

    @property
    def owner(self) -> str | None:
        """UID of the Task that controls it."""
        return controller_uid(self.owners)

    @property
    def left_behind_by(self) -> None:
        """A home is never removed, whoever has left it."""
        return None

    @property
    def offered_to(self) -> str | None:
        """The name of the Task that may take it over: the annotation names it, and all owners are Tasks of this name,
        of which there is one at a time."""
        by = self.adoptable_by
        is_free = not self.deleting and all(owner.is_task and owner.name == by for owner in self.owners)
        return by if is_free else None

    @classmethod
    def of(cls, claim: Manifest) -> ClaimView:
        metadata, status = claim["metadata"], claim.get("status", {})
        messages = [condition.get("message") or condition["type"] for condition in status.get("conditions") or ()]
        return cls(
            namespace=sys.intern(metadata["namespace"]),
            name=sys.intern(metadata["name"]),
            uid=metadata["uid"],
            version=version_of(claim),
            owners=owners_of(claim),
            task=labelled(claim),
            deleting="deletionTimestamp" in metadata,
            requested=shared(str(claim["spec"].get("resources", {}).get("requests", {}).get("storage", "0"))),
            capacity=shared(status.get("capacity", {}).get("storage")),
            resizing=messages[-1] if messages else None,
            adoptable_by=(metadata.get("annotations") or {}).get(names.ADOPTABLE_BY),
        )


def labelled(child: Manifest) -> str:
    """The Task that a child's label names; empty without one."""
    task: str = shared((child["metadata"].get("labels") or {}).get(names.TASK_LABEL, ""))
    return task


@dataclass(frozen=True, slots=True)
class ContainerView:
    """One container's status: exactly one of waiting, running and terminated, or none yet."""

    name: str
    ready: bool
    started: bool
    restarts: int
    running: bool
    waiting_reason: str | None
    waiting_message: str | None
    exit_code: int | None
    last_exit_code: int | None
    exit_reason: str | None = None
    last_exit_reason: str | None = None
    finished_at: datetime | None = None

    @classmethod
    def of(cls, status: Manifest) -> ContainerView:
        state = status.get("state", {})
        waiting, terminated = state.get("waiting", {}), state.get("terminated")
        last = status.get("lastState", {}).get("terminated")
        finished_at = terminated.get("finishedAt") if terminated else None
        return cls(
            name=sys.intern(status["name"]),
            ready=status.get("ready", False),
            started=bool(status.get("started", False)),
            restarts=status.get("restartCount", 0),
            running="running" in state,
            waiting_reason=shared(waiting.get("reason")),
            waiting_message=waiting.get("message"),
            exit_code=terminated["exitCode"] if terminated else None,
            last_exit_code=last["exitCode"] if last else None,
            exit_reason=shared(terminated.get("reason")) if terminated else None,
            last_exit_reason=shared(last.get("reason")) if last else None,
            finished_at=times.parse(finished_at) if finished_at else None,
        )


@dataclass(frozen=True, slots=True)
class PodView:
    """A Pod of the Task that its label names. `runs_once`: its containers are not restarted, their end is a result.
    `end_cause` is what ends it, None while nothing does. `is_taskyards`: it has Taskyard's labels and its sidecar."""

    namespace: str
    name: str
    uid: str
    version: int
    owners: Owners
    task: str
    is_taskyards: bool
    node: str | None
    ip: str | None
    phase: str
    reason: str | None
    deleting: bool
    created_at: datetime
    unschedulable: str | None
    agent_name: str | None
    init_containers: tuple[ContainerView, ...]
    containers: tuple[ContainerView, ...]
    runs_once: bool = False
    end_cause: EndCause | None = None

    @property
    def resource_version(self) -> str:
        return str(self.version)

    @property
    def owner(self) -> str | None:
        """UID of the Task that controls it."""
        return controller_uid(self.owners)

    @property
    def left_behind_by(self) -> str | None:
        """The name of the Task that it was one of, if it has lost its owner."""
        return self.task if self.is_taskyards and not self.owners else None

    @property
    def ended(self) -> bool:
        """Whether its containers will never run again."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def sidecar(self) -> ContainerView | None:
        return next((c for c in self.init_containers if c.name == SIDECAR), None)

    @property
    def agent(self) -> ContainerView | None:
        """The agent's container. An annotation of the Pod names it, since the template version may be gone."""
        return next((c for c in self.containers if c.name == self.agent_name), None)

    @classmethod
    def of(cls, pod: Manifest) -> PodView:
        metadata, status = pod["metadata"], pod.get("status", {})
        unschedulable = next(
            (
                condition.get("message") or condition.get("reason")
                for condition in status.get("conditions", ())
                if condition["type"] == "PodScheduled" and condition["status"] == "False"
            ),
            None,
        )
        labels = metadata.get("labels") or {}
        has_sidecar = any(container["name"] == SIDECAR for container in pod["spec"].get("initContainers") or ())
        return cls(
            namespace=sys.intern(metadata["namespace"]),
            name=sys.intern(metadata["name"]),
            uid=shared(metadata["uid"]),
            version=version_of(pod),
            owners=owners_of(pod),
            task=labelled(pod),
            is_taskyards=has_sidecar and labels.get(names.MANAGED_BY_LABEL) == "taskyard",
            node=shared(pod["spec"].get("nodeName")),
            ip=status.get("podIP"),
            phase=shared(status.get("phase", "Pending")),
            reason=shared(status.get("reason")),
            deleting="deletionTimestamp" in metadata,
            created_at=times.parse(metadata["creationTimestamp"]),
            unschedulable=unschedulable,
            agent_name=shared((metadata.get("annotations") or {}).get(names.AGENT_CONTAINER)),
            init_containers=tuple(map(ContainerView.of, status.get("initContainerStatuses", ()))),
            containers=tuple(map(ContainerView.of, status.get("containerStatuses", ()))),
            runs_once=pod["spec"].get("restartPolicy") == "Never",
            end_cause=cause_of(pod),
        )


@dataclass(frozen=True, slots=True)
class TemplateVersionView:
    """A TemplateVersion. `status` is the document as it is stored."""

    namespace: str
    name: str
    uid: str
    version: int
    generation: int
    deleting: bool
    status: Manifest
    template: str
    agent_container: str | None
    protocol: str | None
    pod: Manifest
    home: Manifest | None
    grace_period_seconds: int
    start_timeout: timedelta
    idle_timeout: str | None
    runtime_class_name: str | None
    parameters: tuple[ParameterView, ...] = ()
    presets: tuple[PresetView, ...] = ()
    port: int | None = None
    permissions: str | None = None
    retries: int | None = None
    agent_type: str | None = None
    agent_ready: str | None = None

    @property
    def resource_version(self) -> str:
        return str(self.version)

    @classmethod
    def of(cls, version: Manifest) -> TemplateVersionView:
        spec = version["spec"]
        agent = spec.get("agent")
        metadata = version["metadata"]
        return cls(
            namespace=sys.intern(metadata["namespace"]),
            name=sys.intern(metadata["name"]),
            uid=metadata["uid"],
            version=version_of(version),
            generation=metadata["generation"],
            deleting="deletionTimestamp" in metadata,
            status=version.get("status") or {},
            template=sys.intern(spec["template"]),
            agent_container=agent["container"] if agent else None,
            protocol=agent["protocol"] if agent else None,
            pod=without_nulls(spec["pod"]),
            home=spec.get("home"),
            grace_period_seconds=spec["gracePeriodSeconds"],
            start_timeout=timedelta(seconds=spec["startTimeoutSeconds"]),
            idle_timeout=spec.get("idleTimeout"),
            runtime_class_name=spec.get("runtimeClassName"),
            parameters=tuple(map(ParameterView.of, spec.get("parameters") or ())),
            presets=tuple(map(PresetView.of, spec.get("presets") or ())),
            port=agent.get("port") if agent else None,
            permissions=agent.get("permissions") if agent else None,
            retries=agent.get("retries") if agent else None,
            agent_type=agent.get("type") if agent else None,
            agent_ready=agent.get("ready") if agent else None,
        )


@dataclass(frozen=True)
class Obstacle:
    """What blocks the newest build, in the API server's words; removed when a later attempt succeeds."""

    reason: str
    message: str


@dataclass(frozen=True)
class Observed:
    """All that is known about one Task at one moment.

    `builds` are this Task's own, oldest first; `pods` are those that it controls; `claim_exists` is true once its own
    claim was seen or created, and `claim` is what that looks like; `home_offered` says that there is a claim for the
    Task to adopt. `left_behind` are builds of an earlier Task of its name. `delivered_at` is when the last delivered
    input that still exists was delivered, `message_delivered_at` the same of those that are no keystrokes.
    `template_version` is the one in use, or the one that the next start will use; `template` is the Template that the
    Task names, None when it names none or there is none. `usable_secrets` are the names of those Secrets of the Task's
    parameters that their owners let Tasks use; None when this installation has no secret parameters.
    """

    now: datetime
    task: TaskView
    builds: tuple[BuildView, ...]
    pods: tuple[PodView, ...]
    template_version: TemplateVersionView | None
    claim_exists: bool
    resume_requested: bool
    inputs_queued: int
    inputs_delivered: int
    obstacle: Obstacle | None = None
    template: TemplateView | None = None
    usable_secrets: frozenset[str] | None = frozenset()
    delivered_at: datetime | None = None
    lost_to: EndCause | None = None
    reading: Reading | None = None
    message_delivered_at: datetime | None = None
    claim: ClaimView | None = None
    left_behind: tuple[BuildView, ...] = ()
    home_offered: bool = False
    # What was found out about it already, by name.
    known: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def using(self, version: TemplateVersionView) -> Observed:
        """The same with this template version."""
        other = copy(self)
        other.__dict__.update(template_version=version, known={})
        return other

    @property
    def newest(self) -> BuildView | None:
        """The newest build that exists; the Task may have reserved a higher number."""
        return self.builds[-1] if self.builds else None

    @property
    def pending_reservation(self) -> Manifest | None:
        """The reservation whose build is still to be created."""
        reserved = self.task.build
        if reserved and (self.newest is None or reserved["number"] > self.newest.number):
            return reserved
        return None

    def pod_of(self, build: BuildView) -> PodView | None:
        """The Pod that a start build created, found by its UID once that is recorded, by its name before."""
        for pod in self.pods:
            if pod.uid == build.pod_uid or (build.pod_uid is None and pod.name == build.name):
                return pod
        return None
