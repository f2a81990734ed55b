"""The claim of a Task's home as decisions see it."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from taskyard.core import names, text_limits
from taskyard.core.api_object import Manifest, labelled, name_in, shared, version_of
from taskyard.core.child_view import ChildView
from taskyard.core.ownership import owners_of

# Written by the scheduler for a claim whose StorageClass waits for its first consumer.
SELECTED_NODE = "volume.kubernetes.io/selected-node"


@dataclass(frozen=True, slots=True)
class ClaimView(ChildView):
    """The claim of a Task's home, which is never removed, whoever has left it. `requested` is the size that is asked
    for, `capacity` that of the volume, None before there is one; both are quantities. `resizing` is what Kubernetes
    says about a change of the size. `adoptable_by` is the Task that an annotation allows to take it over. `has_node`:
    the scheduler has chosen the node for its Pod, and waits for the volume there. `volume` is the volume that the claim
    names while it is not bound to it, `is_pending`: it never was bound to one; `storage_class` is empty where the claim
    asks for a volume without a class, None where it leaves the class to the cluster."""

    requested: str
    capacity: str | None
    resizing: str | None = None
    adoptable_by: str | None = None
    has_node: bool = False
    volume: str | None = None
    is_pending: bool = False
    storage_class: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it surely stands for no data: a claim that names a volume, or has lost it, may stand for some."""
        return self.is_pending and self.volume is None and self.capacity is None

    @property
    def offered_to(self) -> str | None:
        """The name of the Task that may take it over: the annotation names it, and all owners are Tasks of this name,
        of which there is one at a time."""
        by = self.adoptable_by
        is_free = not self.deleting and all(owner.is_task and owner.name == by for owner in self.owners)
        return by if is_free else None

    @classmethod
    def of(cls, claim: Manifest) -> ClaimView:
        metadata, spec, status = claim["metadata"], claim["spec"], claim.get("status", {})
        capacity = status.get("capacity", {}).get("storage")
        annotations = metadata.get("annotations") or {}
        messages = [condition.get("message") or condition["type"] for condition in status.get("conditions") or ()]
        return cls(
            namespace=sys.intern(metadata["namespace"]),
            name=sys.intern(metadata["name"]),
            uid=metadata["uid"],
            version=version_of(claim),
            owners=owners_of(claim),
            task=labelled(claim),
            deleting="deletionTimestamp" in metadata,
            requested=shared(str(spec.get("resources", {}).get("requests", {}).get("storage", "0"))),
            capacity=shared(capacity),
            resizing=text_limits.message(messages[-1]) if messages else None,
            adoptable_by=name_in(annotations.get(names.ADOPTABLE_BY)),
            has_node=SELECTED_NODE in annotations,
            # The API server takes a name of any length here.
            volume=names.cut(spec["volumeName"]) if spec.get("volumeName") and capacity is None else None,
            is_pending=status.get("phase", "Pending") == "Pending",
            storage_class=shared(spec.get("storageClassName")),
        )
