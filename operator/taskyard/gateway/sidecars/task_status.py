"""Writes to a Task's status: read, decide, write if nothing has changed meanwhile, otherwise start over.

The operator writes to the same status, most of all while a sidecar enrols, so a conflict is the rule rather than the
exception.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from taskyard.apiclient import ConflictError, MissingError
from taskyard.gateway.context import Context
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.sidecars.objects import Task

TRIES = 5


class Basis(Protocol):
    """The objects that a decision is based on, including the Task."""

    @property
    def task(self) -> Task | None: ...


B = TypeVar("B", bound=Basis)


async def update_status(
    context: Context,
    read: Callable[[], Awaitable[B]],
    decide: Callable[[B], Mapping[str, Any]],
    *,
    first: B | None = None,
    contended: HttpError,
) -> tuple[B, Mapping[str, Any]]:
    """Merge the change that `decide` returns into the Task's status; an empty one is not written, and without a Task it
    has to be empty. Returns the basis of the decision, and the change.

    `read` is called before each attempt, except the first if `first` is given. It checks again whether the caller may
    write, and its exceptions end the attempts. Raises `contended` after a conflict at each attempt, and ApiError.
    """
    for attempt in range(TRIES):
        basis = first if first is not None and attempt == 0 else await read()
        change = decide(basis)
        if not change:
            return basis, change
        task = basis.task
        assert task is not None, "a change requires a Task"
        try:
            await context.cluster.patch_task_status(
                task.namespace, task.name, resource_version=task.resource_version, status=dict(change)
            )
        except (ConflictError, MissingError):
            continue
        return basis, change
    raise contended
