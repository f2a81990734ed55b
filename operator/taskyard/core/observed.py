"""Views: what decisions need to know about the API objects, as frozen plain values.

A view is made from the object's JSON. Fields that the API server guarantees are read without a default.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from taskyard.api.workspacebuild import BuildPhase, BuildReason, Transition
from taskyard.core import names, times
from taskyard.core.parameter_views import GivenView, ParameterView, PresetView, TemplateView
from taskyard.core.pod_end import EndCause, PodEnd, cause_of
from taskyard.core.start_cause import Reading

SIDECAR = "taskyard-sidecar"

Manifest = dict[str, Any]


def without_nulls(value: Any) -> Any:
    """A copy without fields that are null: to Kubernetes, null means absent."""
    if isinstance(value, dict):
        return {key: without_nulls(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [without_nulls(part) for part in value if part is not None]
    return value


@dataclass(frozen=True)
class TaskView:
    """A Task. `status` is the document as it is stored; if that is another Task's, with which this one was restored, it
    is empty, and `stale_status` are the names of its fields."""

    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: str
    deleting: bool
    prompt: str
    template_version: str | None
    paused: bool
    display_name: str | None
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
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            generation=metadata["generation"],
            resource_version=metadata["resourceVersion"],
            deleting="deletionTimestamp" in metadata,
            prompt=spec["prompt"],
            template_version=spec.get("templateVersion"),
            paused=spec.get("paused", False),
            display_name=spec.get("displayName"),
            idle_timeout=spec.get("idleTimeout"),
            max_runtime=spec.get("maxRuntime"),
            ttl_seconds_after_finished=spec.get("ttlSecondsAfterFinished"),
            resumed_at=metadata.get("annotations", {}).get(names.RESUMED_AT),
            status={} if is_stale else status,
            stale_status=tuple(status) if is_stale else (),
            template=spec.get("template"),
            preset=spec.get("preset"),
            parameters=tuple(map(GivenView.of, spec.get("parameters") or ())),
        )


@dataclass(frozen=True)
class BuildView:
    """A WorkspaceBuild."""

    name: str
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
    def finished(self) -> bool:
        return self.phase in (BuildPhase.SUCCEEDED, BuildPhase.FAILED, BuildPhase.CANCELED)

    @classmethod
    def of(cls, build: Manifest) -> BuildView:
        spec, status = build["spec"], build.get("status", {})
        finished_at = status.get("finishedAt")
        return cls(
            name=build["metadata"]["name"],
            number=spec["number"],
            transition=Transition(spec["transition"]),
            reason=BuildReason(spec["reason"]),
            template_version=spec["templateVersion"],
            prompt_sha256=spec["promptSHA256"],
            phase=BuildPhase(status.get("phase", BuildPhase.PENDING)),
            pod_uid=status.get("podUID"),
            message=status.get("message"),
            created_at=times.parse(build["metadata"]["creationTimestamp"]),
            finished_at=times.parse(finished_at) if finished_at else None,
            pod_end=PodEnd.of(status["podEnd"]) if "podEnd" in status else None,
            resize_refusal=status.get("resizeRefusal"),
        )


@dataclass(frozen=True)
class ClaimView:
    """The claim of a Task's home. `requested` is the size that is asked for, `capacity` that of the volume, None before
    there is one; both are quantities. `resizing` is what Kubernetes says about a change of the size."""

    name: str
    uid: str
    resource_version: str
    requested: str
    capacity: str | None
    resizing: str | None = None

    @classmethod
    def of(cls, claim: Manifest) -> ClaimView:
        metadata, status = claim["metadata"], claim.get("status", {})
        messages = [condition.get("message") or condition["type"] for condition in status.get("conditions") or ()]
        return cls(
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            requested=str(claim["spec"].get("resources", {}).get("requests", {}).get("storage", "0")),
            capacity=status.get("capacity", {}).get("storage"),
            resizing=messages[-1] if messages else None,
        )


@dataclass(frozen=True)
class LeftBehind:
    """A build of an earlier Task of the same name, without an owner."""

    name: str
    uid: str
    resource_version: str

    @classmethod
    def of(cls, build: Manifest) -> LeftBehind:
        metadata = build["metadata"]
        return cls(metadata["name"], metadata["uid"], metadata["resourceVersion"])


@dataclass(frozen=True)
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
            name=status["name"],
            ready=status.get("ready", False),
            started=bool(status.get("started", False)),
            restarts=status.get("restartCount", 0),
            running="running" in state,
            waiting_reason=waiting.get("reason"),
            waiting_message=waiting.get("message"),
            exit_code=terminated["exitCode"] if terminated else None,
            last_exit_code=last["exitCode"] if last else None,
            exit_reason=terminated.get("reason") if terminated else None,
            last_exit_reason=last.get("reason") if last else None,
            finished_at=times.parse(finished_at) if finished_at else None,
        )


@dataclass(frozen=True)
class PodView:
    """A Pod of the Task. `runs_once`: its containers are not restarted, their end is a result. `end_cause` is what ends
    it, None while nothing does."""

    name: str
    uid: str
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
        return cls(
            name=metadata["name"],
            uid=metadata["uid"],
            node=pod["spec"].get("nodeName"),
            ip=status.get("podIP"),
            phase=status.get("phase", "Pending"),
            reason=status.get("reason"),
            deleting="deletionTimestamp" in metadata,
            created_at=times.parse(metadata["creationTimestamp"]),
            unschedulable=unschedulable,
            agent_name=metadata.get("annotations", {}).get(names.AGENT_CONTAINER),
            init_containers=tuple(map(ContainerView.of, status.get("initContainerStatuses", ()))),
            containers=tuple(map(ContainerView.of, status.get("containerStatuses", ()))),
            runs_once=pod["spec"].get("restartPolicy") == "Never",
            end_cause=cause_of(pod),
        )


@dataclass(frozen=True)
class TemplateVersionView:
    """A TemplateVersion."""

    name: str
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

    @classmethod
    def of(cls, version: Manifest) -> TemplateVersionView:
        spec = version["spec"]
        agent = spec.get("agent")
        return cls(
            name=version["metadata"]["name"],
            template=spec["template"],
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
    left_behind: tuple[LeftBehind, ...] = ()
    home_offered: bool = False

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
