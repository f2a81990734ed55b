"""A WorkspaceBuild as decisions see it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime

from taskyard.api.vocabulary import BuildPhase, BuildReason, Transition
from taskyard.core import names, times
from taskyard.core.api_object import Manifest, shared, version_of
from taskyard.core.child_view import ChildView
from taskyard.core.ownership import owners_of
from taskyard.core.pod_end import PodEnd


@dataclass(frozen=True, slots=True)
class BuildView(ChildView):
    """A WorkspaceBuild."""

    number: int
    transition: Transition
    reason: BuildReason
    template_version: str
    prompt_sha256: str
    phase: BuildPhase
    pod_uid: str | None
    message: str | None
    created_at: datetime
    finished_at: datetime | None
    pod_end: PodEnd | None = None
    resize_refusal: str | None = None

    @property
    def left_behind_by(self) -> str | None:
        """The name of the Task that it was one of, if it has lost its owner."""
        is_named_so = self.name == names.build_name(self.task, self.number)
        return self.task if is_named_so and not self.owners else None

    @property
    def finished(self) -> bool:
        return self.phase in (BuildPhase.SUCCEEDED, BuildPhase.FAILED, BuildPhase.CANCELED)

    @classmethod
    def of(cls, build: Manifest) -> BuildView:
        spec, status = build["spec"], build.get("status", {})
        finished_at = status.get("finishedAt")
        metadata = build["metadata"]
        return cls(
            namespace=sys.intern(metadata["namespace"]),
            name=sys.intern(metadata["name"]),
            uid=metadata["uid"],
            version=version_of(build),
            owners=owners_of(build),
            task=sys.intern(spec["task"]),
            deleting="deletionTimestamp" in metadata,
            number=spec["number"],
            transition=Transition(spec["transition"]),
            reason=BuildReason(spec["reason"]),
            template_version=shared(spec["templateVersion"]),
            prompt_sha256=shared(spec["promptSHA256"]),
            phase=BuildPhase(status.get("phase", BuildPhase.PENDING)),
            pod_uid=shared(status.get("podUID")),
            message=status.get("message"),
            created_at=times.parse(metadata["creationTimestamp"]),
            finished_at=times.parse(finished_at) if finished_at else None,
            pod_end=PodEnd.of(status["podEnd"]) if "podEnd" in status else None,
            resize_refusal=status.get("resizeRefusal"),
        )
