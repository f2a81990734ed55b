"""The queue of messages to an agent: their order, which are refused, which is next."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, timedelta

from taskyard.api.vocabulary import BuildPhase, InputPhase, InputType, Phase, Transition
from taskyard.core import input_recipient, keystrokes, starting, times
from taskyard.core.input_recipient import ORPHAN_WAIT, KeepOrder, LookBack
from taskyard.core.input_retention import removals
from taskyard.core.input_view import InputView
from taskyard.core.task_view import TaskView


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
    """Delete an input that was delivered or rejected long enough ago, and does not stay with its Task."""

    input: InputView


@dataclass(frozen=True)
class RestInputs:
    """Do nothing until something changes, or until `until`."""

    until: datetime | None = None


InputStep = KeepOrder | LookBack | Adopt | Reject | Conclude | Deliver | Remove | RestInputs


def queued(inputs: tuple[InputView, ...]) -> list[InputView]:
    """The queued inputs, in order."""
    return sorted((i for i in inputs if i.phase is InputPhase.QUEUED), key=lambda i: i.line)


def is_waking(entry: InputView) -> bool:
    """Whether a queued input resumes a Task that paused by itself. Keystrokes do not: they are refused then."""
    return entry.resume and entry.has_order and entry.type is not InputType.RAW


def next_step(
    task: TaskView | None,
    inputs: tuple[InputView, ...],
    *,
    created_at: datetime | None,
    retention: timedelta,
    now: datetime,
    agent_since: datetime | None,
    runs_once: bool = False,
    removes: bool = True,
    held: Container[str] = frozenset(),
) -> InputStep:
    """The next step for the inputs that name one Task; `created_at` is the Task's own creation time, `retention` how
    long an ended input is kept that does not stay with its Task, `agent_since` since when the agent runs (None while it
    does not), `runs_once` whether the agent is a command, which takes no messages, `removes` whether those that have
    ended may be removed now, `held` the UIDs of inputs whose status cannot be written now: they keep their place before
    younger messages."""
    in_line = queued(inputs)
    waiting = [entry for entry in in_line if entry.uid not in held]
    for entry in waiting:
        message = input_recipient.refusal(entry, task, created_at=created_at, now=now)
        if message:
            return Reject(entry, message)
        placing = input_recipient.placing(entry, task)
        if placing:
            return placing
    if task is not None:
        for entry in waiting:
            if input_recipient.is_adoptable(entry, task):
                return Adopt(entry)
        for entry in waiting:
            message = refusal(entry, task) or keystrokes.refusal(entry, task, agent_since=agent_since)
            if message:
                return Reject(entry, message)
            step = command_step(entry, task) if runs_once else None
            if step:
                return step
    else:
        for entry in waiting:
            # Not those of a Task that was there when they were created: the past knows more of it than the caches.
            message = None if entry.meant_for else keystrokes.refusal(entry, None, agent_since=None)
            if message:
                return Reject(entry, message)
    to_remove = removals(inputs, task, created_at=created_at, retention=retention) if removes else []
    if to_remove and now >= to_remove[0][0]:
        return Remove(to_remove[0][1])
    deliverable = next_delivery(task, in_line, held=held) if task else None
    if deliverable:
        return Deliver(deliverable)
    times_to_look = [moment for moment, _ in to_remove[:1]]
    if task is None:
        times_to_look += [entry.created_at + ORPHAN_WAIT for entry in waiting]
    return RestInputs(until=min(times_to_look, default=None))


def next_delivery(task: TaskView, waiting: list[InputView], *, held: Container[str] = frozenset()) -> InputView | None:
    """The input to hand to the agent now, if there is one and the Task is active. Where a program keeps the agent from
    reading its prompt, keystrokes and answers reach that program. One that is `held` is not handed over, nor is a
    message behind it."""
    phase = task.status.get("phase")
    is_held_up = phase in (Phase.INITIALIZING, Phase.ERROR) and starting.reported(task.status) is not None
    if task.deleting or not (phase == Phase.ACTIVE or is_held_up):
        return None
    # Keystrokes and answers skip the queue: with them a person stops a working agent, or lets it continue.
    messages = []
    for entry in waiting:
        if entry.type is not InputType.RAW and not entry.answers:
            messages.append(entry)
        elif entry.uid not in held:
            return entry
    return messages[0] if messages and not is_held_up and messages[0].uid not in held else None


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


def refusal(entry: InputView, task: TaskView) -> str | None:
    """Why an input of this Task is refused for good, if it is."""
    if entry.answers and task.status.get("phase") == Phase.PAUSED and not entry.resume:
        return f'The question "{entry.answers}" is no longer asked: the Task is paused.'
    # An agent that does not answer for a moment shows as Error too; inputs wait for it. A failed build stays failed.
    if task.build and task.build["phase"] in (BuildPhase.FAILED, BuildPhase.CANCELED):
        return f'Task "{entry.task}" is in Error; pause and resume it, then create another input.'
    return None
