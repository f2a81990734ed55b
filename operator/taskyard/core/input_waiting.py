"""Why a queued input waits, for people.

Each text stays the same as long as its cause does, and none counts what changes all the time: a queue of hundreds is
not written anew whenever one of them leaves it.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta

from taskyard.api.vocabulary import Phase, State, Transition
from taskyard.core import input_required, names
from taskyard.core.input_bounds import Lane, lane_of
from taskyard.core.input_recipient import ORPHAN_WAIT
from taskyard.core.input_view import InputView
from taskyard.core.inputs import is_waking
from taskyard.core.refusal import without_numbers
from taskyard.core.task_view import TaskView
from taskyard.core.text_limits import message as shortened
from taskyard.core.text_limits import quoted

# An agent that is busy for less than this is not told about.
BUSY_AFTER = timedelta(seconds=2)
# An agent's own words are told no more often than this, except when they are the first: they may change all the time.
WORDS_PAUSE = timedelta(minutes=1)
_WORDS = "The agent does not take it yet: "
# Beyond the first of these, how many are before an input is told no more exactly than this.
_STEPS = (3, 10, 30, 100)


@dataclass(frozen=True)
class Told:
    """What the message of a waiting input has to be."""

    input: InputView
    message: str

    @property
    def is_words(self) -> bool:
        """Whether it is what the agent said."""
        return self.message.startswith(_WORDS)


def news(
    task: TaskView | None,
    waiting: list[InputView],
    *,
    refused: tuple[str, str] | None,
    silent: Container[str],
    are_words_told: bool = False,
) -> list[Told]:
    """The messages that are to change of those that wait, which come in order. `refused` are the UID of the input that
    the agent did not take when it was tried last, and the cause; `silent` the UIDs of those whose message is another's;
    `are_words_told`: the agent's words about that input were told less than a minute ago."""
    found, ahead = [], 0
    wakes = any(map(is_waking, waiting))
    for entry in waiting:
        cause = refused[1] if refused and refused[0] == entry.uid else None
        is_message = lane_of(entry) is Lane.MESSAGES
        message = why(entry, task, ahead=ahead if is_message else 0, wakes=wakes, cause=cause)
        ahead += is_message
        told = Told(entry, shortened(message)) if message else None
        if told and entry.has_order and entry.uid not in silent and is_news(told, are_words_told=are_words_told):
            found.append(told)
    return found


def is_news(told: Told, *, are_words_told: bool) -> bool:
    """Whether a message says more than the one that stands. An agent's words may have a number in them that each try
    changes."""
    known = told.input.message
    if known is None or not told.is_words:
        return told.message != known
    if are_words_told:
        return False
    return without_numbers(told.message) != without_numbers(known)


def why(entry: InputView, task: TaskView | None, *, ahead: int, wakes: bool, cause: str | None) -> str | None:
    """Why an input waits; None while there is nothing new to tell. So many are `ahead` of it; `wakes`: one of those
    that wait resumes a Task that paused by itself."""
    name = entry.task
    if task is None:
        minutes = ORPHAN_WAIT // timedelta(minutes=1)
        if entry.meant_for:
            return (
                f'The Task "{name}" for which it was created is not there: it is rejected {minutes} minutes after its '
                "creation, or when another Task has that name."
            )
        return (
            f'There is no Task "{name}" in namespace "{entry.namespace}" yet: it is delivered to one that comes within '
            f"{minutes} minutes of this input, and rejected otherwise."
        )
    if task.deleting:
        return None
    phase, build = task.status.get("phase") or Phase.PENDING, task.build
    if phase == Phase.PAUSED or (build and build["transition"] == Transition.STOP):
        return paused(entry, task, wakes=wakes)
    if ahead:
        return f"{before(ahead)} before it."
    if phase != Phase.ACTIVE:
        return f'Task "{name}" is {phase}: its agent is not ready. The condition Ready of the Task says why.'
    return f"{busy(task, cause)}." if cause else None


def paused(entry: InputView, task: TaskView, *, wakes: bool) -> str:
    """Why a paused Task, or one that is being paused, does not take an input."""
    name = f'Task "{entry.task}"'
    if task.paused:
        more = " The field resume of an input does not resume a Task that a person paused." if entry.resume else ""
        return f"{name} is paused (spec.paused): it is delivered when somebody resumes the Task.{more}"
    reason = task.status.get("pausedReason")
    if wakes or not reason or reason == "Manual":
        return f"{name} is to be resumed. If that takes long, the condition Ready of the Task says why."
    return (
        f"{name} has paused by itself ({reason}), and this input does not resume it: its field resume is not set. "
        f"Resume the Task with a new value of its annotation {names.RESUMED_AT}, or by an input that has resume: true."
    )


def busy(task: TaskView, cause: str) -> str:
    """Why the agent of an active Task did not take an input, for which `cause` are the sidecar's words."""
    if input_required.asked_at(task.status.get("conditions") or ()):
        return (
            "The agent waits for an answer to its question, and this is none: the condition InputRequired of the Task "
            "says how to answer. It is delivered after that"
        )
    if (task.status.get("state") or {}).get("state") == State.WORKING:
        return "The agent is busy: it is delivered when the agent waits for input again"
    return f"{_WORDS}{quoted(cause)}"


def before(ahead: int) -> str:
    """How many are before an input."""
    if ahead == 1:
        return "One input is"
    if ahead <= _STEPS[0]:
        return f"{ahead} inputs are"
    return f"More than {max(step for step in _STEPS if step < ahead)} inputs are"
