"""From the stores to plain views: what is known of one Task, and of its inputs."""

from __future__ import annotations

from datetime import datetime

from taskyard.api.taskinput import InputPhase
from taskyard.api.workspacebuild import Transition
from taskyard.controller.store import Key
from taskyard.controller.stores import Stores
from taskyard.core.inputs import InputView, queued
from taskyard.core.observed import BuildView, Observed, Obstacle, PodView, TaskView, TemplateView, owner_uid


def gather(stores: Stores, key: Key, *, now: datetime, obstacle: Obstacle | None) -> Observed | None:
    """All that is known of a Task; None when there is no such Task."""
    manifest = stores.tasks.get(key)
    if manifest is None:
        return None
    task = TaskView.of(manifest)
    builds = sorted(
        (BuildView.of(build) for build in stores.builds.grouped(key) if owner_uid(build) == task.uid),
        key=lambda build: build.number,
    )
    pods = sorted(
        (PodView.of(pod) for pod in stores.pods.grouped(key) if owner_uid(pod) == task.uid),
        key=lambda pod: (pod.created_at, pod.name),
    )
    inputs = gather_inputs(stores, key)
    return Observed(
        now=now,
        task=task,
        builds=tuple(builds),
        pods=tuple(pods),
        template=template_in_use(stores, task, builds),
        claim_exists=any(owner_uid(claim) == task.uid for claim in stores.claims.grouped(key)),
        resume_requested=any(entry.resume for entry in queued(inputs)),
        inputs_queued=len(queued(inputs)),
        inputs_delivered=sum(entry.phase is InputPhase.DELIVERED for entry in inputs),
        obstacle=obstacle,
    )


def gather_inputs(stores: Stores, key: Key) -> tuple[InputView, ...]:
    """The inputs that name a Task."""
    return tuple(map(InputView.of, stores.inputs.grouped(key)))


def template_in_use(stores: Stores, task: TaskView, builds: list[BuildView]) -> TemplateView | None:
    """The version of the newest start build while that is the newest of all, else the one that the Task names."""
    running = builds and builds[-1].transition is Transition.START
    name = builds[-1].template_version if running else task.template_version
    version = stores.template_versions.get((task.namespace, name))
    return TemplateView.of(version) if version else None
