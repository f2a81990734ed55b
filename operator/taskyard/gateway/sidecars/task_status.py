"""Writing to a Task's status: read, decide, write if nothing has changed meanwhile, and else all over again.

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
    """What was read and a decision stands on, the Task among it."""

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
    """Merge what `decide` returns into the Task's status; nothing is written when that is empty, as it has to be when
    there is no Task. Returns what the decision stood on, and the decision.

    `read` is called before each try, but for the first one when `first` was just read; it judges again whether the
    caller may write, and what it raises ends the tries. Raises `contended` when others were quicker each time, and
    ApiError.
    """
    for attempt in range(TRIES):
        basis = first if first is not None and attempt == 0 else await read()
        change = decide(basis)
        if not change:
            return basis, change
        task = basis.task
        assert task is not None, "nothing is decided of a Task that is not there"
        try:
            await context.cluster.patch_task_status(
                task.namespace, task.name, resource_version=task.resource_version, status=dict(change)
            )
        except (ConflictError, MissingError):
            continue
        return basis, change
    raise contended
