"""How long an input is kept once it is delivered or rejected.

What somebody named may be applied again, by a GitOps tool every few minutes, and would then be a new input: it stays as
long as its Task, which also keeps its message readable. An input without a chosen name cannot come again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from taskyard.core.input_recipient import is_for
from taskyard.core.input_view import InputView
from taskyard.core.observed import TaskView

# The newest of a Task's named inputs that have ended stay with it, up to this number and up to this many characters.
MAX_KEPT = 100
MAX_KEPT_CHARACTERS = 1 << 20


def removals(
    inputs: tuple[InputView, ...], task: TaskView | None, *, created_at: datetime | None, retention: timedelta
) -> list[tuple[datetime, InputView]]:
    """When inputs that have ended are to be removed, the first one first; those that stay are not among them."""
    ended = sorted(
        ((entry.ended_at, entry) for entry in inputs if entry.ended_at), key=lambda pair: (pair[0], pair[1].line)
    )
    found: list[tuple[datetime, InputView]] = []
    kept = characters = 0
    for ended_at, entry in reversed(ended):
        if task and created_at and not entry.is_unnamed and is_for(entry, task, created_at=created_at):
            kept, characters = kept + 1, characters + len(entry.content)
            if kept <= MAX_KEPT and characters <= MAX_KEPT_CHARACTERS:
                continue
        found.append((ended_at + retention, entry))
    return found[::-1]
