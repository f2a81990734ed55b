"""The queue of messages to an agent: their order, what is refused, what is next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from taskyard.api.task import Phase
from taskyard.api.taskinput import InputPhase, InputType
from taskyard.api.workspacebuild import BuildPhase
from taskyard.core import times
from taskyard.core.observed import Manifest, TaskView, owner_uid

ORPHAN_WAIT = timedelta(minutes=10)


@dataclass(frozen=True)
class InputView:
    """A TaskInput. `order` is the one kept in its status, else its resourceVersion, which nobody has written to yet."""

    namespace: str
    name: str
    uid: str
    task: str
    content: str
    type: InputType
    resume: bool
    owner: str | None
    phase: InputPhase
    has_order: bool
    order: int
    attempts: int
    message: str | None
    created_at: datetime

    @classmethod
    def of(cls, manifest: Manifest) -> InputView:
        metadata, spec, status = manifest["metadata"], manifest["spec"], manifest.get("status", {})
        order = status.get("order")
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            task=spec["task"],
            content=spec["content"],
            type=InputType(spec.get("type", InputType.USER)),
            resume=spec.get("resume", False),
            owner=owner_uid(manifest),
            phase=InputPhase(status.get("phase", InputPhase.QUEUED)),
            has_order=order is not None,
            order=order if order is not None else int(metadata["resourceVersion"]),
            attempts=status.get("attempts", 0),
            message=status.get("message"),
            created_at=times.parse(metadata["creationTimestamp"]),
        )

    @property
    def line(self) -> tuple[datetime, int, str]:
        """Place in line: timestamps have whole seconds, so the order decides within one."""
        return self.created_at, self.order, self.name


@dataclass(frozen=True)
class KeepOrder:
    """Write an input's place in line into its status, before any other write changes its resourceVersion."""

    input: InputView


@dataclass(frozen=True)
class Adopt:
    """Make the Task the owner of an input."""

    input: InputView


@dataclass(frozen=True)
class Reject:
    """Refuse an input for good."""

    input: InputView
    message: str


@dataclass(frozen=True)
class Deliver:
    """Hand an input to the agent."""

    input: InputView


@dataclass(frozen=True)
class RestInputs:
    """Nothing to do until something changes, or until `until`."""

    until: datetime | None = None


InputStep = KeepOrder | Adopt | Reject | Deliver | RestInputs


def queued(inputs: tuple[InputView, ...]) -> list[InputView]:
    """Those that wait, in order."""
    return sorted((i for i in inputs if i.phase is InputPhase.QUEUED), key=lambda i: i.line)


def next_step(
    task: TaskView | None, inputs: tuple[InputView, ...], *, created_at: datetime | None, now: datetime
) -> InputStep:
    """The next step for the inputs that name one Task; `created_at` is the Task's own time of creation."""
    waiting = queued(inputs)
    for entry in waiting:
        if not entry.has_order:
            return KeepOrder(entry)
    for entry in waiting:
        message = refusal(entry, task, created_at=created_at, now=now)
        if message:
            return Reject(entry, message)
    if task is None:
        return RestInputs(until=min((i.created_at for i in waiting), default=now) + ORPHAN_WAIT if waiting else None)
    for entry in inputs:
        if entry.owner is None:
            return Adopt(entry)
    if task.deleting or task.status.get("phase") != Phase.ACTIVE:
        return RestInputs()
    # Keystrokes do not wait in line: they are how a person stops an agent that works.
    for entry in waiting:
        if entry.type is InputType.RAW:
            return Deliver(entry)
    return Deliver(waiting[0]) if waiting else RestInputs()


def refusal(entry: InputView, task: TaskView | None, *, created_at: datetime | None, now: datetime) -> str | None:
    """Why an input is refused for good, if it is."""
    if task is None:
        if now - entry.created_at >= ORPHAN_WAIT:
            return f'There has been no Task "{entry.task}" in namespace "{entry.namespace}" for ten minutes.'
        return None
    if entry.owner is not None and entry.owner != task.uid:
        return f'It was meant for a former Task "{entry.task}"; create another one for this Task.'
    if entry.owner is None and created_at is not None and entry.created_at < created_at:
        return f'It is older than the Task "{entry.task}"; create another one for this Task.'
    # An agent that does not answer for a moment shows as Error too; inputs wait for it. A failed build does not heal.
    if task.build and task.build["phase"] in (BuildPhase.FAILED, BuildPhase.CANCELED):
        return f'Task "{entry.task}" is in Error; pause and resume it, then create another input.'
    return None
