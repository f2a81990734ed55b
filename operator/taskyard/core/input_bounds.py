"""How many inputs may wait: for one Task, and in one namespace. What is beyond is refused, and removed a minute later.

Messages (User and Control), keystrokes and answers wait in lines of their own, each with these bounds: a line full of
messages keeps nobody from answering the agent's question. Who is in line stays in line: an input is, once its place is
written into its status. Those that come while there is no room are refused, the youngest first, and the message says
why. The refusal is about that moment and not about the input, which has never reached the agent. So it leaves nothing
behind that would keep the same name from coming again, whoever chose it: applied again after that minute, by a person
or a GitOps tool, it is a new input, with a place at the end of the line if there is room by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from taskyard.api.vocabulary import InputPhase, InputReason, InputType
from taskyard.core.input_view import InputView

MAX_QUEUED_PER_TASK = 256
MAX_QUEUED_PER_NAMESPACE = 2048

# How long a refused input shows why.
REFUSAL_SHOWN = timedelta(minutes=1)
_REASONS = frozenset(InputReason)
_REMOVED = "This one is removed after a minute."


class Lane(StrEnum):
    """A line of inputs, by the name that a message of refusal has for those in it."""

    MESSAGES = "messages"
    KEYSTROKES = "inputs of type Raw"
    ANSWERS = "answers"


@dataclass(frozen=True)
class Bounds:
    """The most inputs of one lane that wait at a time."""

    per_task: int = MAX_QUEUED_PER_TASK
    per_namespace: int = MAX_QUEUED_PER_NAMESPACE


@dataclass(frozen=True, slots=True)
class Refusal:
    """An input that finds no room."""

    input: InputView
    reason: InputReason
    bounds: Bounds

    @property
    def message(self) -> str:
        """Object, cause and remedy. Of thousands that are refused only the next few are asked for it."""
        found = lane_of(self.input)
        if self.reason is InputReason.QUEUE_FULL:
            cause = task_is_full(self.input.task, found, self.bounds)
        else:
            cause = namespace_is_full(self.input.namespace, found, self.bounds)
        return f"{cause} {_REMOVED}"


@dataclass(frozen=True)
class Line:
    """Who may wait, and who may not; both in order."""

    waiting: tuple[InputView, ...]
    refused: tuple[Refusal, ...]


def lane(kind: InputType, answers: str | None) -> Lane:
    """The lane of an input."""
    if answers:
        return Lane.ANSWERS
    return Lane.KEYSTROKES if kind is InputType.RAW else Lane.MESSAGES


def lane_of(entry: InputView) -> Lane:
    """The lane of an input."""
    return lane(entry.type, entry.answers)


def line(queued: Iterable[InputView], *, in_namespace: Mapping[Lane, int], bounds: Bounds) -> Line:
    """Divide the queued inputs of a Task, which come in order; `in_namespace` counts those of the whole namespace that
    have their place, these among them."""
    entries = tuple(queued)
    placed = dict.fromkeys(Lane, 0)
    for entry in entries:
        placed[lane_of(entry)] += entry.has_order
    room_of_task = {known: bounds.per_task - placed[known] for known in Lane}
    room_of_namespace = {known: bounds.per_namespace - in_namespace.get(known, 0) for known in Lane}
    waiting, refused = [], []
    for entry in entries:
        found = lane_of(entry)
        if not entry.has_order:
            if room_of_task[found] <= 0:
                refused.append(Refusal(entry, InputReason.QUEUE_FULL, bounds))
                continue
            if room_of_namespace[found] <= 0:
                refused.append(Refusal(entry, InputReason.NAMESPACE_QUEUE_FULL, bounds))
                continue
            room_of_task[found] -= 1
            room_of_namespace[found] -= 1
        waiting.append(entry)
    return Line(tuple(waiting), tuple(refused))


def task_is_full(task: str, of: Lane, bounds: Bounds) -> str:
    """Why a Task takes no more inputs of a lane, and what helps."""
    return (
        f'The queue of Task "{task}" is full: {bounds.per_task:,} {of} wait for its agent, and more may not. Create '
        f"the input again when some of them have been delivered, or delete some."
    )


def namespace_is_full(namespace: str, of: Lane, bounds: Bounds) -> str:
    """Why no Task of a namespace takes more inputs of a lane, and what helps."""
    return (
        f'The queues of namespace "{namespace}" are full: {bounds.per_namespace:,} {of} wait for its agents, and more '
        f"may not. Create the input again when some of them have been delivered, or delete some."
    )


def is_refused(entry: InputView) -> bool:
    """Whether there was no room for an input."""
    return entry.phase is InputPhase.REJECTED and entry.reason in _REASONS


def removed_at(entry: InputView, *, retention: timedelta) -> datetime:
    """When a refused input is to be removed; `retention` is that of other inputs, if it is shorter."""
    return (entry.ended_at or entry.created_at) + min(REFUSAL_SHOWN, retention)


def room(*, of_task: int, of_namespace: int, bounds: Bounds) -> InputReason | None:
    """Why one more input finds no room where so many of its lane wait; None when it does."""
    if of_task >= bounds.per_task:
        return InputReason.QUEUE_FULL
    return InputReason.NAMESPACE_QUEUE_FULL if of_namespace >= bounds.per_namespace else None
