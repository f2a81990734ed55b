"""How many inputs wait, counted as the operator counts them against their bounds."""

from __future__ import annotations

from taskyard.api.vocabulary import InputPhase, InputType
from taskyard.apiclient import Object
from taskyard.core import input_bounds
from taskyard.core.input_bounds import Lane
from taskyard.gateway.rest.cache.objects.task_input import InputView
from taskyard.watchcache.store import Group


def lane_of(spec: Object) -> Lane:
    """The lane of an input with this spec."""
    return input_bounds.lane(InputType(spec.get("type", InputType.USER)), spec.get("answers"))


# These groups start with an empty namespace, so that none of them is an object's own group.
def of_task(namespace: str, task: str, lane: Lane) -> Group:
    """The group of a Task's inputs that wait in a lane."""
    return "", "waiting", namespace, task, lane


def of_namespace(namespace: str, lane: Lane) -> Group:
    """The group of all inputs of a namespace that wait in a lane."""
    return "", "waiting", namespace, lane


def groups_of(entry: InputView) -> list[Group]:
    """The groups of an input."""
    if entry.phase != InputPhase.QUEUED:
        return []
    lane = input_bounds.lane(InputType(entry.type), entry.answers)
    return [of_task(entry.namespace, entry.task, lane), of_namespace(entry.namespace, lane)]
