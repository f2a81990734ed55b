"""All that a decision about one Task reads, as frozen plain values."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from taskyard.core.api_object import Manifest
from taskyard.core.build_view import BuildView
from taskyard.core.claim_view import ClaimView
from taskyard.core.parameter_views import TemplateView
from taskyard.core.parameters import Examined
from taskyard.core.pod_end import EndCause
from taskyard.core.pod_view import PodView
from taskyard.core.start_cause import Reading
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView


@dataclass(frozen=True)
class Obstacle:
    """What blocks the newest build, in the API server's words; removed when a later attempt succeeds."""

    reason: str
    message: str


@dataclass(frozen=True)
class Observed:
    """All that is known about one Task at one moment.

    `builds` are this Task's own, oldest first; `pods` are those that it controls; `claim_exists` is true once its own
    claim was seen or created, and `claim` is what that looks like; `home_offered` says that there is a claim for the
    Task to adopt. `left_behind` are builds of an earlier Task of its name. `builds_stay`: the API server has just
    refused to delete an old build; `room_awaited`: one was just deleted to make room in a quota. `delivered_at` is when
    the last delivered input that still exists was delivered, `message_delivered_at` the same of those that are no
    keystrokes.
    `template_version` is the one in use, or the one that the next start will use; `template` is the Template that the
    Task names, None when it names none or there is none. `usable_secrets` are the names of those Secrets of the Task's
    parameters that their owners let Tasks use; None when this installation has no secret parameters.
    """

    now: datetime
    task: TaskView
    builds: tuple[BuildView, ...]
    pods: tuple[PodView, ...]
    template_version: TemplateVersionView | None
    claim_exists: bool
    resume_requested: bool
    inputs_queued: int
    inputs_delivered: int
    obstacle: Obstacle | None = None
    template: TemplateView | None = None
    usable_secrets: frozenset[str] | None = frozenset()
    delivered_at: datetime | None = None
    lost_to: EndCause | None = None
    reading: Reading | None = None
    examined: Examined | None = None
    message_delivered_at: datetime | None = None
    claim: ClaimView | None = None
    left_behind: tuple[BuildView, ...] = ()
    home_offered: bool = False
    builds_stay: bool = False
    room_awaited: bool = False
    # What was found out about it already, by name.
    known: dict[str, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    def using(self, version: TemplateVersionView) -> Observed:
        """The same with this template version."""
        other = copy(self)
        other.__dict__.update(template_version=version, known={})
        return other

    @property
    def newest(self) -> BuildView | None:
        """The newest build that exists; the Task may have reserved a higher number."""
        return self.builds[-1] if self.builds else None

    @property
    def pending_reservation(self) -> Manifest | None:
        """The reservation whose build is still to be created."""
        reserved = self.task.build
        if reserved and (self.newest is None or reserved["number"] > self.newest.number):
            return reserved
        return None

    def pod_of(self, build: BuildView) -> PodView | None:
        """The Pod that a start build created, found by its UID once that is recorded, by its name before."""
        for pod in self.pods:
            if pod.uid == build.pod_uid or (build.pod_uid is None and pod.name == build.name):
                return pod
        return None
