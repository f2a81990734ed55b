"""What becomes of an object in the way of a Task: one that has the name of a child, or that a Task of this name has
left behind without an owner.

Objects lose their owner when a Task is deleted with `--cascade=orphan`, and when they are restored from a backup. A
home is taken over only if an annotation on the claim allows it: by its labels alone, whoever may create Tasks could
inherit a stranger's home. Builds and Pods hold nothing that a Task could lose: they are removed.
"""

from __future__ import annotations

from enum import Enum

from taskyard.core import kubectl, names
from taskyard.core.child_view import ChildView
from taskyard.core.claim_view import ClaimView
from taskyard.core.observed import Obstacle
from taskyard.core.ownership import Ownership, ownership_of


class Standing(Enum):
    """How an object stands to a Task: its own; of an earlier Task of the name, to be removed; left behind without an
    owner, to be removed; a home that it may take over; somebody else's."""

    OWN = "Own"
    FORMER = "Former"
    LEFT_BEHIND = "LeftBehind"
    ADOPTABLE = "Adoptable"
    FOREIGN = "Foreign"


def standing(child: ChildView, *, name: str, uid: str) -> Standing:
    """How a child stands to the Task of this name and UID in its namespace."""
    whose = ownership_of(child.owners, name=name, uid=uid)
    if whose is Ownership.OWN:
        return Standing.OWN
    # Before anything else: what a former Task owns may be deleted, and this claim is to be kept.
    if isinstance(child, ClaimView) and child.offered_to == name:
        return Standing.ADOPTABLE
    if whose is Ownership.FORMER:
        return Standing.FORMER
    return Standing.LEFT_BEHIND if child.left_behind_by == name else Standing.FOREIGN


def lost_label(child: ChildView, *, kind: str, task: str) -> Obstacle | None:
    """Why the Task waits for an object of its own; None for one that has its label."""
    if child.task == task:
        return None
    return Obstacle(
        "LabelMissing",
        f"{kind} {child.name} is this Task's and has lost its label {names.TASK_LABEL}, without which it is not "
        f"watched; set the label to {task}, or delete the {kind}.",
    )


def conflict(child: ChildView, *, kind: str, task: str) -> Obstacle:
    """Why the Task waits for a foreign object of one of its names, and what helps. A home is never to be deleted."""
    name = child.name
    if child.deleting:
        return Obstacle(
            "NameConflict", f"{kind} {name} is not this Task's and is being deleted; the Task goes on when it is gone."
        )
    if not isinstance(child, ClaimView):
        return Obstacle(
            "NameConflict",
            f"{kind} {name} exists and is not this Task's; delete it, or delete this Task and use another name.",
        )
    others = [f'{owner.kind} "{owner.name}"' for owner in child.owners if not (owner.is_task and owner.name == task)]
    if others:
        return Obstacle(
            "NameConflict",
            f"{kind} {name} exists and belongs to {' and '.join(others)}; delete this Task and use another name.",
        )
    return Obstacle(
        "NameConflict",
        f"{kind} {name} exists and is not this Task's. If it is not meant for this Task, delete the Task and use "
        "another name. If the Task is to have it as its home, with the files and the conversation in it: "
        f"{adoption_command(child, task)}",
    )


def adoption_command(claim: ClaimView, task: str) -> str:
    """The command that allows a Task to take over a claim."""
    overwrite = claim.adoptable_by is not None
    return kubectl.annotate_claim(claim.namespace, claim.name, f"{names.ADOPTABLE_BY}={task}", overwrite=overwrite)
