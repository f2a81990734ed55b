"""Selects the Tasks of a list or a stream: those that match the query and that the caller may see."""

from dataclasses import dataclass

from taskyard.apiclient import Object
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
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

    def takes(self, task: Object) -> bool:
        """Whether the query selects the Task."""
        return (
            "deletionTimestamp" not in task["metadata"]
            and (not self.namespace or task["metadata"]["namespace"] == self.namespace)
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


async def found(context: RestContext, person: Person, wanted: Wanted) -> list[Object]:
    """The selected Tasks that the person may list, newest first."""
    tasks = [task for task in context.cache.tasks if wanted.takes(task)]
    if not wanted.namespace:
        readable = await context.authorization.namespaces(
            person, "list", authorization.TASKS, (task["metadata"]["namespace"] for task in tasks)
        )
        tasks = [task for task in tasks if task["metadata"]["namespace"] in readable]
    # Timestamps are in whole seconds: within one second, Tasks are sorted by name.
    tasks.sort(key=lambda task: str(task["metadata"]["name"]))
    return sorted(tasks, key=lambda task: str(task["metadata"]["creationTimestamp"]), reverse=True)
