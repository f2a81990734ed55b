"""From the stores to plain views of one Task and its inputs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from taskyard.api.taskinput import InputPhase, InputType
from taskyard.controller.cluster import Object
from taskyard.controller.stores import Stores
from taskyard.core.input_view import InputView
from taskyard.core.inputs import queued
from taskyard.core.leftovers import is_adoptable, is_build_left_behind
from taskyard.core.names import claim_name
from taskyard.core.observed import (
    BuildView,
    ClaimView,
    LeftBehind,
    Observed,
    Obstacle,
    PodView,
    TaskView,
    TemplateVersionView,
)
from taskyard.core.ownership import is_owned_by
from taskyard.core.parameter_views import SecretKey, TemplateView
from taskyard.core.template_resolution import version_name
from taskyard.watchcache.store import Key, key_of


def gather(stores: Stores, key: Key, *, now: datetime, obstacle: Obstacle | None) -> Observed | None:
    """Everything known about a Task; None when there is no such Task."""
    manifest = stores.tasks.get(key)
    if manifest is None:
        return None
    task = TaskView.of(manifest)
    builds = sorted(
        (build_view(stores, build) for build in stores.builds.grouped(key) if is_owned_by(build, task.uid)),
        key=lambda build: build.number,
    )
    pods = sorted(
        (PodView.of(pod) for pod in stores.pods.grouped(key) if is_owned_by(pod, task.uid)),
        key=lambda pod: (pod.created_at, pod.name),
    )
    claims = stores.claims.grouped(key)
    claim = next((found for found in claims if is_owned_by(found, task.uid)), None)
    left_behind = (LeftBehind.of(found) for found in stores.builds.grouped(key) if is_build_left_behind(found, key[1]))
    inputs = gather_inputs(stores, key)
    newest = builds[-1] if builds else None
    observed = Observed(
        now=now,
        task=task,
        builds=tuple(builds),
        pods=tuple(pods),
        template_version=None,
        claim_exists=claim is not None,
        resume_requested=any(entry.resume for entry in queued(inputs)),
        inputs_queued=len(queued(inputs)),
        inputs_delivered=sum(entry.phase is InputPhase.DELIVERED for entry in inputs),
        obstacle=obstacle,
        template=template_view(stores, task),
        usable_secrets=usable_secrets(stores, task),
        delivered_at=delivered_at(inputs),
        lost_to=stores.lost_pods.cause(newest.pod_uid) if newest else None,
        reading=stores.readings.get(key),
        message_delivered_at=delivered_at(tuple(entry for entry in inputs if entry.type is not InputType.RAW)),
        claim=ClaimView.of(claim) if claim else None,
        left_behind=tuple(left_behind),
        home_offered=any(is_adoptable(found, key[1]) for found in claims if key_of(found)[1] == claim_name(key[1])),
    )
    name = version_name(observed)
    version = stores.template_versions.get((task.namespace, name)) if name else None
    return replace(observed, template_version=TemplateVersionView.of(version)) if version else observed


def build_view(stores: Stores, manifest: Object) -> BuildView:
    """A build, with what the API server did not keep of it."""
    return BuildView.of(stores.unkept.restored(manifest))


def gather_inputs(stores: Stores, key: Key) -> tuple[InputView, ...]:
    """The inputs that name a Task."""
    return tuple(map(InputView.of, stores.inputs.grouped(key)))


def delivered_at(inputs: tuple[InputView, ...]) -> datetime | None:
    """When an input last reached the agent."""
    return max((entry.typed_at for entry in inputs if entry.typed_at), default=None)


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
