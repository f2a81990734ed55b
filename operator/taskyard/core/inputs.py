"""The queue of messages to an agent: their order, which are refused, which is next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from taskyard.api.task import Phase
from taskyard.api.taskinput import InputPhase, InputType
from taskyard.api.workspacebuild import BuildPhase, Transition
from taskyard.core import starting, times
from taskyard.core.observed import Manifest, TaskView
from taskyard.core.ownership import owner_uid

ORPHAN_WAIT = timedelta(minutes=10)


@dataclass(frozen=True)
class InputView:
    """A TaskInput. `owner` is the UID of the Task that controls it, `owners` are all its ownerReferences.

    `order` is the one in its status, else its resourceVersion, which no write has changed yet.
    """

    namespace: str
    name: str
    uid: str
    task: str
    content: str
    type: InputType
    resume: bool
    owner: str | None
    owners: tuple[Manifest, ...]
    resource_version: str
    phase: InputPhase
    has_order: bool
    order: int
    attempts: int
    message: str | None
    created_at: datetime
    ended_at: datetime | None
    answers: str | None = None

    @classmethod
    def of(cls, manifest: Manifest) -> InputView:
        metadata, spec, status = manifest["metadata"], manifest["spec"], manifest.get("status", {})
        order, ended_at = status.get("order"), status.get("deliveredAt") or status.get("rejectedAt")
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            task=spec["task"],
            content=spec["content"],
            type=InputType(spec.get("type", InputType.USER)),
            resume=spec.get("resume", False),
            owner=owner_uid(manifest),
            owners=tuple(metadata.get("ownerReferences") or ()),
            resource_version=metadata["resourceVersion"],
            phase=InputPhase(status.get("phase", InputPhase.QUEUED)),
            has_order=order is not None,
            order=order if order is not None else int(metadata["resourceVersion"]),
            attempts=status.get("attempts", 0),
            message=status.get("message"),
            created_at=times.parse(metadata["creationTimestamp"]),
            ended_at=times.parse(ended_at) if ended_at else None,
            answers=spec.get("answers"),
        )

    @property
    def line(self) -> tuple[datetime, int, str]:
        """Place in the queue: timestamps have whole seconds, so `order` decides within one."""
        return self.created_at, self.order, self.name

    @property
    def is_controlled(self) -> bool:
        """Whether anything controls it, a Task or not: Kubernetes allows no second controller."""
        return self.owner is not None or any(owner.get("controller") for owner in self.owners)


@dataclass(frozen=True)
class KeepOrder:
    """Write an input's `order` into its status, before any other write changes its resourceVersion."""

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
class Conclude:
    """Mark an input as delivered without sending it: it has already had its effect."""

    input: InputView
    message: str


@dataclass(frozen=True)
class Deliver:
    """Hand an input to the agent."""

    input: InputView


@dataclass(frozen=True)
class Remove:
    """Delete an input that was delivered or rejected long enough ago."""

    input: InputView


@dataclass(frozen=True)
class RestInputs:
    """Do nothing until something changes, or until `until`."""

    until: datetime | None = None


InputStep = KeepOrder | Adopt | Reject | Conclude | Deliver | Remove | RestInputs


def queued(inputs: tuple[InputView, ...]) -> list[InputView]:
    """The queued inputs, in order."""
    return sorted((i for i in inputs if i.phase is InputPhase.QUEUED), key=lambda i: i.line)


def next_step(
    task: TaskView | None,
    inputs: tuple[InputView, ...],
    *,
    created_at: datetime | None,
    retention: timedelta,
    now: datetime,
    runs_once: bool = False,
) -> InputStep:
    """The next step for the inputs that name one Task; `created_at` is the Task's own creation time, `retention` how
    long an input is kept once it is delivered or rejected, `runs_once` whether the agent is a command, which takes no
    messages."""
    waiting = queued(inputs)
    for entry in waiting:
        if not entry.has_order:
            return KeepOrder(entry)
    for entry in waiting:
        message = refusal(entry, task, created_at=created_at, now=now)
        if message:
            return Reject(entry, message)
        step = command_step(entry, task) if runs_once and task else None
        if step:
            return step
    for entry in inputs:
        if entry.ended_at and now >= entry.ended_at + retention:
            return Remove(entry)
    if task is not None:
        for entry in waiting:
            # A Task that is being deleted would take the inputs it owns with it, without any being rejected.
            if not entry.is_controlled and not task.deleting:
                return Adopt(entry)
        deliverable = next_delivery(task, waiting)
        if deliverable:
            return Deliver(deliverable)
    times_to_look = [entry.ended_at + retention for entry in inputs if entry.ended_at]
    if task is None:
        times_to_look += [entry.created_at + ORPHAN_WAIT for entry in waiting]
    return RestInputs(until=min(times_to_look, default=None))


def next_delivery(task: TaskView, waiting: list[InputView]) -> InputView | None:
    """The input to hand to the agent now, if there is one and the Task is active. Where a program keeps the agent from
    reading its prompt, keystrokes and answers reach that program."""
    phase = task.status.get("phase")
    is_held_up = phase in (Phase.INITIALIZING, Phase.ERROR) and starting.reported(task.status) is not None
    if task.deleting or not (phase == Phase.ACTIVE or is_held_up):
        return None
    # Keystrokes and answers skip the queue: with them a person stops a working agent, or lets it continue.
    urgent = (entry for entry in waiting if entry.type is InputType.RAW or entry.answers)
    return next(urgent, waiting[0] if waiting and not is_held_up else None)


def command_step(entry: InputView, task: TaskView) -> Conclude | Reject | None:
    """What becomes of a message to a command: it can only resume the Task, and is done when the command runs again."""
    build = task.build
    if entry.type is InputType.RAW or build is None:
        return None
    if entry.type is InputType.CONTROL:
        return Reject(entry, "The agent is a command, whose program has no prompt for input of type Control.")
    is_running = build["transition"] == Transition.START
    if entry.resume and not is_running:
        return None
    if entry.resume and entry.created_at <= times.parse(build["createdAt"]) and build["number"] > 1:
        return Conclude(entry, "The command was run again.")
    return Reject(
        entry,
        "The agent is a command, which takes no messages; change the prompt while the Task is paused, or resume it to "
        "run the command again.",
    )


def refusal(entry: InputView, task: TaskView | None, *, created_at: datetime | None, now: datetime) -> str | None:
    """Why an input is refused for good, if it is."""
    if task is None:
        if now - entry.created_at >= ORPHAN_WAIT:
            return f'There has been no Task "{entry.task}" in namespace "{entry.namespace}" for ten minutes.'
        return None
    if entry.owner is not None and entry.owner != task.uid:
        return f'It was meant for an earlier Task "{entry.task}"; create another one for this Task.'
    if entry.owner is None and created_at is not None and entry.created_at < created_at:
        return f'It is older than the Task "{entry.task}"; create another one for this Task.'
    if entry.answers and task.status.get("phase") == Phase.PAUSED and not entry.resume:
        return f'The question "{entry.answers}" is no longer asked: the Task is paused.'
    # An agent that does not answer for a moment shows as Error too; inputs wait for it. A failed build stays failed.
    if task.build and task.build["phase"] in (BuildPhase.FAILED, BuildPhase.CANCELED):
        return f'Task "{entry.task}" is in Error; pause and resume it, then create another input.'
    return None
