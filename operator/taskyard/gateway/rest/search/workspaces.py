"""Selects the workspaces of `GET /workspaces?q=`: those of the Tasks that match the query and that the caller may
list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.search.terms import QueryError, SearchTerms
from taskyard.gateway.rest.views import vocabulary
from taskyard.gateway.rest.views.task import Settings

STATUSES = (
    *("pending", "starting", "running", "stopping", "stopped"),
    *("failed", "canceling", "canceled", "deleting", "deleted"),
)


@dataclass(frozen=True)
class WorkspaceQuery:
    """What to list; an empty text or set, and None, match everything. All texts are in lower case, and the owner and
    the organization are not resolved."""

    owner: str = ""
    organization: str = ""
    name: str = ""
    template: str = ""
    status: str = ""
    ids: frozenset[str] = frozenset()
    has_ai_task: bool | None = None
    outdated: bool | None = None
    dormant: bool | None = None
    shared: bool | None = None
    has_external_agent: bool | None = None

    def takes(self, task: TaskView, *, template: str) -> bool:
        """Whether the query selects the workspace of a Task of that template, whoever owns it."""
        return (
            self.name in task.name
            and self.template in ("", template.lower())
            and self.status in ("", vocabulary.workspace_status(task))
            and (not self.ids or task.uid in self.ids)
            # Each workspace is a Task's, and none is ever any of the others.
            and self.has_ai_task in (None, True)
            and not self.outdated
            and not self.dormant
            and not self.shared
            and not self.has_external_agent
        )


def parse(text: str) -> WorkspaceQuery:
    """Read a query; bare words are `NAME` or `OWNER/NAME`. Raises QueryError."""
    terms = SearchTerms(text, bare=_bare)
    found = WorkspaceQuery(
        owner=terms.text("owner"),
        organization=terms.text("organization"),
        name=terms.text("name"),
        template=terms.text("template"),
        status=terms.choice("status", STATUSES),
        ids=terms.uuids("id"),
        has_ai_task=terms.flag("has-ai-task"),
        outdated=terms.flag("outdated"),
        dormant=terms.flag("dormant"),
        shared=terms.flag("shared"),
        has_external_agent=terms.flag("has_external_agent"),
    )
    terms.check()
    return found


async def listed(context: RestContext, person: Person, text: str) -> list[TaskView]:
    """The Tasks whose workspaces a query selects: the running ones first, then by owner and name. Raises HttpError 400
    for an invalid query and for an owner whose Tasks the person may not list."""
    try:
        query = parse(text)
        owner = context.owner(query.owner, person) if query.owner else None
        if query.owner:
            allowed = await context.may(person, "list", authorization.TASKS, owner.namespace if owner else query.owner)
            if owner is None or not allowed:
                raise QueryError.unknown("user", "owner", query.owner)
        if query.organization and not context.is_organization(query.organization):
            raise QueryError.unknown("organization", "organization", query.organization)
    except QueryError as error:
        raise error.response("workspace") from error
    settings = Settings(context.cache)
    found = [
        task
        for task in context.cache.tasks
        if not task.deleting
        and (owner is None or task.namespace == owner.namespace)
        and query.takes(task, template=settings.of(task).family.name if query.template else "")
    ]
    if owner is None:
        readable = await context.authorization.namespaces(
            person, "list", authorization.TASKS, (task.namespace for task in found)
        )
        found = [task for task in found if task.namespace in readable]
    return sorted(found, key=_place)


def _bare(words: str) -> Mapping[str, str]:
    owner, slash, name = words.partition("/")
    return {"owner": owner, "name": name} if slash else {"name": words}


def _place(task: TaskView) -> tuple[Any, ...]:
    return vocabulary.workspace_status(task) != "running", task.namespace, task.name
