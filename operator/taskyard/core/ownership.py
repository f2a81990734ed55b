"""Which Task controls an object, and who owns an object that has the name of a Task's child.

The API group counts: other groups have a kind Task too (Tekton's, for example), and their Tasks own nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from taskyard.api import GROUP
from taskyard.core import names


@dataclass(frozen=True)
class TaskOwner:
    """The Task that controls an object, in the object's namespace."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class OwnerView:
    """An owner of an object. `is_task`: a Task of Taskyard; `controls`: the one owner that manages the object."""

    kind: str
    name: str
    uid: str
    is_task: bool
    controls: bool

    @classmethod
    def of(cls, reference: Mapping[str, Any]) -> OwnerView:
        return cls(
            kind=names.cut(reference["kind"]),
            name=names.cut(reference["name"]),
            uid=names.cut(reference["uid"]),
            is_task=is_task(reference),
            controls=bool(reference.get("controller")),
        )


Owners = tuple[OwnerView, ...]

# The metadata of Pods and claims may have any number of owners, whose names and UIDs may have any length.
MAX_OWNERS = 4
MORE = OwnerView(kind="others", name="…", uid="", is_task=False, controls=False)


class Ownership(Enum):
    """Owned by the Task; by an earlier Task of the same name, which is gone; by anybody else."""

    OWN = "Own"
    FORMER = "Former"
    FOREIGN = "Foreign"


def owner_of(manifest: Mapping[str, Any]) -> TaskOwner | None:
    """The Task that controls an object; None for an object that no Task controls. The version of the API group does
    not matter: the API server serves the same Task in all of them."""
    for reference in manifest["metadata"].get("ownerReferences") or ():
        if is_task(reference) and reference.get("controller"):
            return TaskOwner(name=names.cut(reference["name"]), uid=names.cut(reference["uid"]))
    return None


def owner_uid(manifest: Mapping[str, Any]) -> str | None:
    """UID of the Task that controls an object; None for an object that no Task controls."""
    owner = owner_of(manifest)
    return owner.uid if owner else None


def is_owned_by(manifest: Mapping[str, Any], uid: str) -> bool:
    """Whether the Task of this UID controls an object."""
    return owner_uid(manifest) == uid


def is_task(reference: Mapping[str, Any]) -> bool:
    """Whether an ownerReference names a Task of Taskyard, in any version."""
    group = reference.get("apiVersion", "").rpartition("/")[0]
    return bool(group == GROUP and reference.get("kind") == "Task")


def owners_of(manifest: Mapping[str, Any]) -> Owners:
    """The owners of an object. Of more than MAX_OWNERS it is the one that controls it, and MORE for all others, so that
    it is never taken for an object that only Tasks own."""
    references = manifest["metadata"].get("ownerReferences") or ()
    if len(references) <= MAX_OWNERS:
        return tuple(map(OwnerView.of, references))
    return (*(OwnerView.of(reference) for reference in references if reference.get("controller")), MORE)[-2:]


def controller_uid(owners: Iterable[OwnerView]) -> str | None:
    """UID of the Task among the owners that controls the object; None where no Task does."""
    return next((owner.uid for owner in owners if owner.is_task and owner.controls), None)


def ownership_of(owners: Owners, *, name: str, uid: str) -> Ownership:
    """Who owns an object with these owners, as seen from the Task of this name and UID in its namespace.

    FORMER means that all its owners are Tasks of this Task's name with other UIDs. As a name has only one object at a
    time, those are gone once this Task was seen to exist *after* the child was, and garbage collection would delete the
    child. With any other owner, of whatever kind, the child would stay.
    """
    if controller_uid(owners) == uid:
        return Ownership.OWN
    is_former = owners and all(owner.is_task and owner.name == name and owner.uid != uid for owner in owners)
    return Ownership.FORMER if is_former else Ownership.FOREIGN
