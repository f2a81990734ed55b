"""Selects the Tasks of a list or a stream: those that match the query and that the caller may see."""

from collections.abc import Iterator
from dataclasses import dataclass

from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.cache.newest_first import Place
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.search import task_query
from taskyard.gateway.rest.search.terms import QueryError
from taskyard.gateway.rest.views import vocabulary

_WHAT = "task"


@dataclass(frozen=True)
class Wanted:
    """What a query selects; an empty text matches everything."""

    namespace: str
    status: str

    def takes(self, task: TaskView) -> bool:
        """Whether the query selects the Task."""
        return (
            not task.deleting
            and (not self.namespace or task.namespace == self.namespace)
            and (not self.status or vocabulary.status(task) == self.status)
        )


async def wanted(context: RestContext, person: Person, text: str) -> Wanted:
    """What the query selects. Raises HttpError 400 when it is invalid or names an owner whose Tasks the person may not
    list, and ApiError."""
    try:
        asked = task_query.parse(text)
    except QueryError as error:
        raise error.response(_WHAT) from error
    owner = None
    if asked.owner:
        owner = context.owner(asked.owner, person)
        allowed = await context.may(person, "list", authorization.TASKS, owner.namespace if owner else asked.owner)
        if owner is None or not allowed:
            raise QueryError.unknown("user", "owner", asked.owner).response(_WHAT)
    if asked.organization and not context.is_organization(asked.organization):
        raise QueryError.unknown("organization", "organization", asked.organization).response(_WHAT)
    return Wanted(namespace=owner.namespace if owner else "", status=asked.status)


async def found(
    context: RestContext, person: Person, wanted: Wanted, *, after: Place | None = None
) -> Iterator[TaskView]:
    """The selected Tasks that the person may list, newest first; those after a place of the list, or all."""
    readable = frozenset({wanted.namespace})
    if not wanted.namespace:
        namespaces = context.cache.newest_tasks.namespaces
        readable = await context.authorization.namespaces(person, "list", authorization.TASKS, namespaces)
    newest = context.cache.newest_tasks.after(after)
    return (task for task in newest if task.namespace in readable and wanted.takes(task))
