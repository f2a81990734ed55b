"""What becomes of an object in the way of a Task: one that has the name of a child, or that a Task of this name has
left behind without an owner.

Objects lose their owner when a Task is deleted with `--cascade=orphan`, and when they are restored from a backup. A
home is taken over only if an annotation on the claim allows it: by its labels alone, whoever may create Tasks could
inherit a stranger's home. Builds and Pods hold nothing that a Task could lose: they are removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from taskyard.core import names
from taskyard.core.observed import SIDECAR, Obstacle
from taskyard.core.ownership import Ownership, is_task, ownership_of


class Standing(Enum):
    """How an object stands to a Task: its own; of an earlier Task of the name, to be removed; left behind without an
    owner, to be removed; a home that it may take over; somebody else's."""

    OWN = "Own"
    FORMER = "Former"
    LEFT_BEHIND = "LeftBehind"
    ADOPTABLE = "Adoptable"
    FOREIGN = "Foreign"


def standing(found: Mapping[str, Any], *, kind: str, name: str, uid: str) -> Standing:
    """How an object of this kind stands to the Task of this name and UID in its namespace."""
    whose = ownership_of(found, name=name, uid=uid)
    if whose is Ownership.OWN:
        return Standing.OWN
    # Before anything else: what a former Task owns may be deleted, and this claim is to be kept.
    if kind == "PersistentVolumeClaim" and is_adoptable(found, name):
        return Standing.ADOPTABLE
    if whose is Ownership.FORMER:
        return Standing.FORMER
    left = {"WorkspaceBuild": is_build_left_behind, "Pod": is_pod_left_behind}.get(kind)
    return Standing.LEFT_BEHIND if left and left(found, name) else Standing.FOREIGN


def is_adoptable(claim: Mapping[str, Any], task: str) -> bool:
    """Whether the Task of this name may take over a claim: the annotation names it, and all owners are Tasks of this
    name, of which there is one at a time."""
    metadata = claim["metadata"]
    return (
        (metadata.get("annotations") or {}).get(names.ADOPTABLE_BY) == task
        and "deletionTimestamp" not in metadata
        and all(is_task_named(owner, task) for owner in metadata.get("ownerReferences") or ())
    )


def is_task_named(owner: Mapping[str, Any], task: str) -> bool:
    """Whether an ownerReference names a Task of this name, of whatever UID."""
    return bool(is_task(owner) and owner["name"] == task)


def is_build_left_behind(build: Mapping[str, Any], task: str) -> bool:
    """Whether a build without an owner was one of a Task of this name."""
    metadata, spec = build["metadata"], build["spec"]
    is_named_so = metadata["name"] == names.build_name(task, spec["number"])
    return bool(spec["task"] == task and is_named_so and not metadata.get("ownerReferences"))


def is_pod_left_behind(pod: Mapping[str, Any], task: str) -> bool:
    """Whether a Pod without an owner was one of a Task of this name: with Taskyard's labels and sidecar."""
    metadata = pod["metadata"]
    labels = metadata.get("labels") or {}
    is_labelled = labels.get(names.TASK_LABEL) == task and labels.get(names.MANAGED_BY_LABEL) == "taskyard"
    has_sidecar = any(container["name"] == SIDECAR for container in pod["spec"].get("initContainers") or ())
    return bool(is_labelled and has_sidecar and not metadata.get("ownerReferences"))


def conflict(found: Mapping[str, Any], *, kind: str, task: str) -> Obstacle:
    """Why the Task waits for a foreign object of one of its names, and what helps. A home is never to be deleted."""
    metadata = found["metadata"]
    name, owners = metadata["name"], metadata.get("ownerReferences") or ()
    if "deletionTimestamp" in metadata:
        return Obstacle(
            "NameConflict", f"{kind} {name} is not this Task's and is being deleted; the Task goes on when it is gone."
        )
    if kind != "PersistentVolumeClaim":
        return Obstacle(
            "NameConflict",
            f"{kind} {name} exists and is not this Task's; delete it, or delete this Task and use another name.",
        )
    others = [f'{owner["kind"]} "{owner["name"]}"' for owner in owners if not is_task_named(owner, task)]
    if others:
        return Obstacle(
            "NameConflict",
            f"{kind} {name} exists and belongs to {' and '.join(others)}; delete this Task and use another name.",
        )
    return Obstacle(
        "NameConflict",
        f"{kind} {name} exists and is not this Task's. If it is not meant for this Task, delete the Task and use "
        "another name. If the Task is to have it as its home, with the files and the conversation in it: "
        f"{adoption_command(found, task)}",
    )


def adoption_command(claim: Mapping[str, Any], task: str) -> str:
    """The command that allows a Task to take over a claim."""
    metadata = claim["metadata"]
    overwrite = " --overwrite" if names.ADOPTABLE_BY in (metadata.get("annotations") or {}) else ""
    return f"kubectl -n {metadata['namespace']} annotate pvc {metadata['name']} {names.ADOPTABLE_BY}={task}{overwrite}"
