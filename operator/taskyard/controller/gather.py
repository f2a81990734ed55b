"""From the stores to plain views of one Task and its inputs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from taskyard.api.taskinput import InputPhase
from taskyard.controller.stores import Stores
from taskyard.core.inputs import InputView, queued
from taskyard.core.observed import BuildView, Observed, Obstacle, PodView, TaskView, TemplateVersionView
from taskyard.core.ownership import is_owned_by
from taskyard.core.parameter_views import SecretKey, TemplateView
from taskyard.core.template_resolution import version_name
from taskyard.watchcache.store import Key


def gather(stores: Stores, key: Key, *, now: datetime, obstacle: Obstacle | None) -> Observed | None:
    """Everything known about a Task; None when there is no such Task."""
    manifest = stores.tasks.get(key)
    if manifest is None:
        return None
    task = TaskView.of(manifest)
    builds = sorted(
        (BuildView.of(build) for build in stores.builds.grouped(key) if is_owned_by(build, task.uid)),
        key=lambda build: build.number,
    )
    pods = sorted(
        (PodView.of(pod) for pod in stores.pods.grouped(key) if is_owned_by(pod, task.uid)),
        key=lambda pod: (pod.created_at, pod.name),
    )
    inputs = gather_inputs(stores, key)
    observed = Observed(
        now=now,
        task=task,
        builds=tuple(builds),
        pods=tuple(pods),
        template_version=None,
        claim_exists=any(is_owned_by(claim, task.uid) for claim in stores.claims.grouped(key)),
        resume_requested=any(entry.resume for entry in queued(inputs)),
        inputs_queued=len(queued(inputs)),
        inputs_delivered=sum(entry.phase is InputPhase.DELIVERED for entry in inputs),
        obstacle=obstacle,
        template=template_view(stores, task),
        usable_secrets=usable_secrets(stores, task),
        delivered_at=delivered_at(inputs),
    )
    name = version_name(observed)
    version = stores.template_versions.get((task.namespace, name)) if name else None
    return replace(observed, template_version=TemplateVersionView.of(version)) if version else observed


def gather_inputs(stores: Stores, key: Key) -> tuple[InputView, ...]:
    """The inputs that name a Task."""
    return tuple(map(InputView.of, stores.inputs.grouped(key)))


def delivered_at(inputs: tuple[InputView, ...]) -> datetime | None:
    """When the last input was delivered."""
    delivered = (entry.ended_at for entry in inputs if entry.phase is InputPhase.DELIVERED)
    return max(filter(None, delivered), default=None)


def template_view(stores: Stores, task: TaskView) -> TemplateView | None:
    """The Template that a Task names."""
    template = stores.templates.get((task.namespace, task.template)) if task.template else None
    return TemplateView.of(template) if template else None


def usable_secrets(stores: Stores, task: TaskView) -> frozenset[str] | None:
    """Names of the Secrets that a Task names, exist and are labelled; None where Secret parameters are off."""
    if stores.secrets is None:
        return None
    named = {given.chosen.name for given in task.parameters if isinstance(given.chosen, SecretKey)}
    return frozenset(name for name in named if stores.secrets.get((task.namespace, name)))
