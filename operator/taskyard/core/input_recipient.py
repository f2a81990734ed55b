"""Which of the Tasks that had a name, one after the other, an input is for.

It is for the Task that had its name when it was created, as the API server's history tells. Without one it is for the
next Task, since `kubectl apply -f folder/` works in the order of file names. That is written into its status with its
place, also while there is no Task: the one that it was for may be gone already when the operator starts. The Task
becomes its owner: what the operator has seen outlives it. The history reaches back some minutes;
without it, an input that is older than the Task beside which it is first seen may have been sent to an earlier one, and
is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from taskyard.core.input_view import InputView
from taskyard.core.task_view import TaskView

# How long an input waits for its Task.
ORPHAN_WAIT = timedelta(minutes=10)


@dataclass(frozen=True)
class KeepOrder:
    """Write an input's `order` into its status, before any other write changes its resourceVersion, and the UID of the
    Task that it is for, if there is one."""

    input: InputView
    task_uid: str | None = None


@dataclass(frozen=True)
class LookBack:
    """Ask the API server which Task had the name when the input was created; `is_outdated` and `of_history` say what
    follows, or `without_task` where there is none now."""

    input: InputView


@dataclass(frozen=True)
class Past:
    """What the API server knows of the time when an input was created: the UID of the Task that had the name, None when
    there was none. `is_known` is False when its history does not reach back so far."""

    task_uid: str | None = None
    is_known: bool = True


def refusal(entry: InputView, task: TaskView | None, *, created_at: datetime | None, now: datetime) -> str | None:
    """Why an input is not for this Task, or waits no longer for one; None otherwise. `created_at` is the Task's."""
    if task is None or created_at is None:
        if now - entry.created_at >= ORPHAN_WAIT:
            return f'There has been no Task "{entry.task}" in namespace "{entry.namespace}" for ten minutes.'
        return None
    if entry.owner is not None:
        return None if entry.owner == task.uid else of_an_earlier_task(entry)
    if entry.created_at > created_at:
        # The Task has had its name since before, whatever a status says that was copied from another cluster.
        return None
    if entry.meant_for not in (None, task.uid):
        return of_an_earlier_task(entry)
    if created_at - entry.created_at > ORPHAN_WAIT:
        return f'It is more than ten minutes older than the Task "{entry.task}"; create another one for this Task.'
    return None


def of_an_earlier_task(entry: InputView) -> str:
    """The message of that refusal."""
    return f'It was meant for an earlier Task "{entry.task}"; create another one for this Task.'


def placing(entry: InputView, task: TaskView | None) -> KeepOrder | LookBack | None:
    """What is to be written or read about a waiting input that `refusal` lets pass, before anything else is done with
    it."""
    if entry.owner is not None:
        return None if entry.has_order else KeepOrder(entry)
    if not entry.has_order:
        return LookBack(entry)
    if task is None or entry.meant_for == task.uid or is_adoptable(entry, task):
        return None
    return KeepOrder(entry, task.uid)


def is_adoptable(entry: InputView, task: TaskView) -> bool:
    """Whether the Task may become the owner of an input that is for it. One that is being deleted would take the inputs
    it owns with it, without any being rejected."""
    return not entry.is_controlled and not task.deleting


def is_outdated(entry: InputView, task: TaskView, past: Past, *, created_at: datetime) -> bool:
    """Whether the Task that the operator sees seems to have been gone already when the input was created: its end is
    still to be learned. Where a live read shows the very Task, the clocks of the API servers differ instead, and
    `of_history` decides."""
    return past.is_known and past.task_uid != task.uid and entry.created_at > created_at


def of_history(entry: InputView, task: TaskView, past: Past, *, created_at: datetime) -> str | None:
    """Why an input is not for this Task, after a look at the past; None when it is. The past counts more than
    timestamps, which several API servers may have given."""
    if not past.is_known:
        return None if entry.created_at > created_at else _untold(entry)
    if past.task_uid is None:
        return None
    if past.task_uid != task.uid:
        return of_an_earlier_task(entry)
    # Timestamps have whole seconds. An older input was written to again after the Task was created, and the past before
    # that cannot be asked for.
    return _untold(entry) if entry.created_at < created_at else None


def without_task(entry: InputView, past: Past) -> KeepOrder | str:
    """What follows from the past while there is no Task: what is to be written or why the input is refused."""
    if past.is_known:
        return KeepOrder(entry, past.task_uid)
    return (
        f'There is no Task "{entry.task}", and the API server no longer tells whether there was one for which it may '
        "have been meant; create another one for the next Task."
    )


def _untold(entry: InputView) -> str:
    return (
        f'It is older than the Task "{entry.task}", and the API server no longer tells whether there was an earlier '
        "Task of this name, for which it may have been meant; create another one for this Task."
    )


def is_for(entry: InputView, task: TaskView, *, created_at: datetime) -> bool:
    """Whether an input, waiting or ended, is this Task's and not an earlier one's."""
    if entry.owner is not None:
        return entry.owner == task.uid
    return entry.created_at > created_at or entry.meant_for == task.uid
