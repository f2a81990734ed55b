"""A Pod and its containers as decisions see them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from taskyard.core import names, text_limits, times
from taskyard.core.api_object import Manifest, labelled, name_in, shared, version_of
from taskyard.core.child_view import ChildView
from taskyard.core.ownership import owners_of
from taskyard.core.pod_end import EndCause, cause_of

SIDECAR = "taskyard-sidecar"
# Who may create Pods may give them any number of containers and Secrets; of those of a Task some tell what is amiss.
MAX_CONTAINERS = 8
MAX_PULL_SECRETS = 8
MAX_WAITING_CHARACTERS = 1024
# Schedulers tell of many nodes, and what helps is found in it.
MAX_UNSCHEDULABLE_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class ContainerView:
    """One container's status: exactly one of waiting, running and terminated, or none yet. `restarted_at` is when it
    was started again, by its node's clock, None while it runs for the first time or does not run."""

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
    restarted_at: datetime | None = None

    @classmethod
    def of(cls, status: Manifest) -> ContainerView:
        state = status.get("state", {})
        waiting, terminated = state.get("waiting", {}), state.get("terminated")
        last = status.get("lastState", {}).get("terminated")
        message = waiting.get("message")
        finished_at = terminated.get("finishedAt") if terminated else None
        started_at = (state.get("running") or {}).get("startedAt") if status.get("restartCount") else None
        return cls(
            name=sys.intern(status["name"]),
            ready=status.get("ready", False),
            started=bool(status.get("started", False)),
            restarts=status.get("restartCount", 0),
            running="running" in state,
            waiting_reason=shared(waiting.get("reason")),
            waiting_message=text_limits.shortened(message, MAX_WAITING_CHARACTERS) if message else None,
            exit_code=terminated["exitCode"] if terminated else None,
            last_exit_code=last["exitCode"] if last else None,
            exit_reason=shared(terminated.get("reason")) if terminated else None,
            last_exit_reason=shared(last.get("reason")) if last else None,
            finished_at=times.parse(finished_at) if finished_at else None,
            restarted_at=times.parse(started_at) if started_at else None,
        )


@dataclass(frozen=True, slots=True)
class PodView(ChildView):
    """A Pod of the Task that its label names. `runs_once`: its containers are not restarted, their end is a result.
    `end_cause` is what ends it, None while nothing does. `is_taskyards`: it has Taskyard's labels and its sidecar.
    `pull_secrets` are the names of the Secrets for its images' registries."""

    is_taskyards: bool
    node: str | None
    ip: str | None
    phase: str
    reason: str | None
    created_at: datetime
    unschedulable: str | None
    agent_name: str | None
    init_containers: tuple[ContainerView, ...]
    containers: tuple[ContainerView, ...]
    runs_once: bool = False
    end_cause: EndCause | None = None
    pull_secrets: tuple[str, ...] = ()

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
        agent_name = name_in((metadata.get("annotations") or {}).get(names.AGENT_CONTAINER))
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
            unschedulable=text_limits.shortened(unschedulable, MAX_UNSCHEDULABLE_CHARACTERS) if unschedulable else None,
            agent_name=agent_name,
            init_containers=_containers(status.get("initContainerStatuses", ()), needed=SIDECAR),
            containers=_containers(status.get("containerStatuses", ()), needed=agent_name),
            runs_once=pod["spec"].get("restartPolicy") == "Never",
            end_cause=cause_of(pod),
            pull_secrets=tuple(
                names.cut(secret["name"])
                for secret in (pod["spec"].get("imagePullSecrets") or ())[:MAX_PULL_SECRETS]
                if secret.get("name")
            ),
        )


def _containers(statuses: Sequence[Manifest], *, needed: str | None) -> tuple[ContainerView, ...]:
    """The containers; of many the one that is needed, those that wait, and the first of the others."""
    if len(statuses) > MAX_CONTAINERS:
        by_weight = sorted(
            statuses, key=lambda found: (found["name"] != needed, "waiting" not in found.get("state", {}))
        )
        kept = {found["name"] for found in by_weight[:MAX_CONTAINERS]}
        statuses = [found for found in statuses if found["name"] in kept]
    return tuple(map(ContainerView.of, statuses))
