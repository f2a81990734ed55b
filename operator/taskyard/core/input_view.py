"""A TaskInput as decisions see it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime

from taskyard.api.vocabulary import InputPhase, InputType
from taskyard.core import names, times
from taskyard.core.api_object import Manifest, shared
from taskyard.core.ownership import owner_uid

# How the message of an input begins whose content was delivered before, by another input of its name.
NOT_REPEATED = "delivered before, not repeated"


@dataclass(frozen=True, slots=True)
class InputView:
    """A TaskInput without its content, of which only the number of `characters` is kept. `owner` is the UID of the Task
    that controls it; `has_owners`: anything owns it; `has_controller`: one of them controls it, a Task or not.

    `order` is the one in its status, else its resourceVersion, which no write has changed yet. `meant_for` is the UID
    of the Task that had the name when the input was created, or of the first one after that. `is_unnamed`:
    nobody chose the name, so nobody applies the input again. `reason` is an InputReason when there was no room.
    """

    namespace: str
    name: str
    uid: str
    version: int
    task: str
    characters: int
    type: InputType
    resume: bool
    owner: str | None
    has_owners: bool
    has_controller: bool
    phase: InputPhase
    has_order: bool
    order: int
    attempts: int
    message: str | None
    created_at: datetime
    ended_at: datetime | None
    answers: str | None = None
    meant_for: str | None = None
    is_unnamed: bool = False
    reason: str | None = None

    @property
    def resource_version(self) -> str:
        return str(self.version)

    @classmethod
    def of(cls, manifest: Manifest) -> InputView:
        metadata, spec, status = manifest["metadata"], manifest["spec"], manifest.get("status", {})
        owners = metadata.get("ownerReferences") or ()
        order, ended_at = status.get("order"), status.get("deliveredAt") or status.get("rejectedAt")
        return cls(
            namespace=sys.intern(metadata["namespace"]),
            name=metadata["name"],
            uid=metadata["uid"],
            version=int(metadata["resourceVersion"]),
            task=sys.intern(spec["task"]),
            characters=len(spec["content"]),
            type=InputType(spec.get("type", InputType.USER)),
            resume=spec.get("resume", False),
            owner=owner_uid(manifest),
            has_owners=bool(owners),
            has_controller=any(owner.get("controller") for owner in owners),
            phase=InputPhase(status.get("phase", InputPhase.QUEUED)),
            has_order=order is not None,
            order=order if order is not None else int(metadata["resourceVersion"]),
            attempts=status.get("attempts", 0),
            message=shared(status.get("message")),
            created_at=times.parse(metadata["creationTimestamp"]),
            ended_at=times.parse(ended_at) if ended_at else None,
            answers=spec.get("answers"),
            meant_for=shared(status.get("taskUID")),
            is_unnamed=bool(metadata.get("generateName")) or names.CREATED_BY in (metadata.get("labels") or {}),
            reason=status.get("reason"),
        )

    @property
    def line(self) -> tuple[datetime, int, str]:
        """Place in the queue: timestamps have whole seconds, so `order` decides within one."""
        return self.created_at, self.order, self.name

    @property
    def typed_at(self) -> datetime | None:
        """When it was delivered; None for one that was not, or had been before: nothing has reached the agent then."""
        is_repeated = (self.message or "").startswith(NOT_REPEATED)
        return self.ended_at if self.phase is InputPhase.DELIVERED and not is_repeated else None

    @property
    def is_controlled(self) -> bool:
        """Whether anything controls it, a Task or not: Kubernetes allows no second controller."""
        return self.owner is not None or self.has_controller
