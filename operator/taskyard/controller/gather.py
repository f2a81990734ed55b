"""From the stores to plain views of one Task and its inputs."""

from __future__ import annotations

from datetime import datetime

from taskyard.api.vocabulary import InputPhase, InputType
from taskyard.controller.cache.stores import Stores
from taskyard.core.input_view import InputView
from taskyard.core.inputs import is_waking, queued
from taskyard.core.names import claim_name
from taskyard.core.observed import Observed, Obstacle
from taskyard.core.template_resolution import version_name
from taskyard.watchcache.kind import Key


def gather(stores: Stores, key: Key, *, now: datetime, obstacle: Obstacle | None) -> Observed | None:
    """Everything known about a Task; None when there is no such Task."""
    task = stores.tasks.get(key)
    if task is None:
        return None
    all_builds = stores.builds.grouped(key)
    builds = sorted((build for build in all_builds if build.owner == task.uid), key=lambda build: build.number)
    pods = sorted(
        (pod for pod in stores.pods.grouped(key) if pod.owner == task.uid), key=lambda pod: (pod.created_at, pod.name)
    )
    claims = stores.claims.grouped(key)
    inputs = gather_inputs(stores, key)
    waiting = queued(inputs)
    newest = builds[-1] if builds else None
    observed = Observed(
        now=now,
        task=task,
        builds=tuple(builds),
        pods=tuple(pods),
        template_version=None,
        claim_exists=any(claim.owner == task.uid for claim in claims),
        resume_requested=any(is_waking(entry) for entry in waiting),
        inputs_queued=len(waiting),
        inputs_delivered=sum(entry.phase is InputPhase.DELIVERED for entry in inputs),
        obstacle=obstacle,
        template=stores.templates.get((task.namespace, task.template)) if task.template else None,
        usable_secrets=stores.usable_secrets(task),
        delivered_at=delivered_at(inputs),
        lost_to=stores.lost_pods.cause(newest.pod_uid) if newest else None,
        reading=stores.readings.get(key),
        examined=stores.examined.get(key),
        message_delivered_at=delivered_at(tuple(entry for entry in inputs if entry.type is not InputType.RAW)),
        claim=next((claim for claim in claims if claim.owner == task.uid), None),
        left_behind=tuple(build for build in all_builds if build.left_behind_by == key[1]),
        builds_stay=stores.held_builds.holds(key, now=now),
        room_awaited=stores.freed_builds.holds(key, now=now),
        home_offered=any(claim.offered_to == key[1] for claim in claims if claim.name == claim_name(key[1])),
    )
    name = version_name(observed)
    version = stores.template_versions.get((task.namespace, name)) if name else None
    return observed.using(version) if version else observed


def gather_inputs(stores: Stores, key: Key) -> tuple[InputView, ...]:
    """The inputs that name a Task."""
    return tuple(stores.inputs.grouped(key))


def delivered_at(inputs: tuple[InputView, ...]) -> datetime | None:
    """When an input last reached the agent."""
    return max((entry.typed_at for entry in inputs if entry.typed_at), default=None)
