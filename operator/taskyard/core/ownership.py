"""Who owns an object that has the name of a Task's child."""

from __future__ import annotations

from enum import Enum

from taskyard.api import GROUP
from taskyard.core.observed import Manifest, owner_uid


class Ownership(Enum):
    """Owned by the Task; by an earlier Task of the same name, which is gone; by anybody else."""

    OWN = "Own"
    FORMER = "Former"
    FOREIGN = "Foreign"


def ownership_of(child: Manifest, *, name: str, uid: str) -> Ownership:
    """Who owns an object, as seen from the Task of this name and UID in its namespace.

    FORMER means that all its owners are Tasks of this Task's name with other UIDs. As a name has only one object at a
    time, those are gone once this Task was seen to exist *after* the child was, and garbage collection would delete the
    child. With any other owner, of whatever kind, the child would stay.
    """
    if owner_uid(child) == uid:
        return Ownership.OWN
    owners = child["metadata"].get("ownerReferences", ())
    return (
        Ownership.FORMER
        if owners and all(is_former(owner, name=name, uid=uid) for owner in owners)
        else Ownership.FOREIGN
    )


def is_former(owner: Manifest, *, name: str, uid: str) -> bool:
    """Whether an ownerReference names a Task of the same name that is not this one. Other API groups have a kind Task,
    too."""
    group = str(owner["apiVersion"]).rpartition("/")[0]
    return group == GROUP and owner["kind"] == "Task" and owner["name"] == name and owner["uid"] != uid


def is_owned_by(manifest: Manifest, uid: str) -> bool:
    """Whether the object names the Task of this UID as its controller."""
    references = manifest["metadata"].get("ownerReferences") or ()
    return any(reference.get("controller") and reference.get("uid") == uid for reference in references)
