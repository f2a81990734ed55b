"""How long an input is kept once it is delivered or rejected.

What somebody named may be applied again, by a GitOps tool every few minutes, and would then be a new input: it stays as
long as its Task, which also keeps its message readable. An input without a chosen name cannot come again. A message on
which the agent has not reported stays until it does: it shows that an end that was reported before is no longer one.
What found the queue full (`input_bounds`) is removed sooner, and does not count here.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from taskyard.api.vocabulary import InputType
from taskyard.core import times
from taskyard.core.completion import RESULTS
from taskyard.core.input_bounds import is_refused
from taskyard.core.input_recipient import is_for
from taskyard.core.input_view import InputView
from taskyard.core.task_view import TaskView

# The newest of a Task's named inputs that have ended stay with it, up to this number and up to this many characters.
MAX_KEPT = 100
MAX_KEPT_CHARACTERS = 1 << 20


def removals(
    inputs: tuple[InputView, ...], task: TaskView | None, *, created_at: datetime | None, retention: timedelta
) -> list[tuple[datetime, InputView]]:
    """When inputs that have ended are to be removed, the first one first; those that stay are not among them."""
    ended = sorted(
        ((entry.ended_at, entry) for entry in inputs if entry.ended_at and not is_refused(entry)),
        key=lambda pair: (pair[0], pair[1].line),
    )
    unreported = last_unreported(inputs, task, created_at=created_at) if task and created_at else None
    found: list[tuple[datetime, InputView]] = []
    kept = characters = 0
    for ended_at, entry in reversed(ended):
        if task and created_at and not entry.is_unnamed and is_for(entry, task, created_at=created_at):
            kept, characters = kept + 1, characters + entry.characters
            if kept <= MAX_KEPT and characters <= MAX_KEPT_CHARACTERS:
                continue
        if entry is unreported:
            continue
        found.append((ended_at + retention, entry))
    return found[::-1]


def last_unreported(inputs: tuple[InputView, ...], task: TaskView, *, created_at: datetime) -> InputView | None:
    """The Task's last message, if the agent's last report is older and one of an end."""
    state = task.status.get("state")
    if state is None or state["state"] not in RESULTS:
        return None
    reported_at = times.parse(state["timestamp"])
    typed = (
        (entry.typed_at, entry.line, entry)
        for entry in inputs
        if entry.typed_at and entry.type is not InputType.RAW and is_for(entry, task, created_at=created_at)
    )
    newest = max(typed, default=None, key=lambda found: found[:2])
    return newest[2] if newest and newest[0] > reported_at else None
