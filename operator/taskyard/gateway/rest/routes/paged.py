"""The paginated lists: Tasks, and the builds of a Task."""

from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import Response

from taskyard.gateway.rest.cache.newest_first import Place, place_of
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.openapi.options import CONTINUE, LIMIT, Q, described
from taskyard.gateway.rest.openapi.schemas.task import TaskPage
from taskyard.gateway.rest.openapi.schemas.workspace import BuildPage
from taskyard.gateway.rest.routes.answering import answer
from taskyard.gateway.rest.routes.paging import after_of, first_page, page
from taskyard.gateway.rest.search import tasks as listing
from taskyard.gateway.rest.views import task as task_view
from taskyard.gateway.rest.views import vocabulary
from taskyard.gateway.rest.views import workspace as workspace_view


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v1alpha1/tasks", tags=["Beyond"])

    @router.get(
        "",
        **described(
            "taskPages", "List Tasks in pages, newest first", 400, answer=TaskPage, parameters=[Q, LIMIT, CONTINUE]
        ),
    )
    async def list_tasks(request: Request) -> Response:
        person = await context.person(request)
        wanted = await listing.wanted(context, person, request.query_params.get("q", ""))
        after = after_of(request.query_params, like=(0, "", ""))
        found = await listing.found(context, person, wanted, after=cast(Place, after) if after else None)
        one = first_page(found, request.query_params, place=place_of, size=task_view.size)
        shown = task_view.Documents(context.cache, context.prompts)
        return answer(context, person, "tasks", one, shown, size=task_view.size, fetching=shown)

    @router.get(
        "/{user}/{task}/builds",
        **described(
            "builds", "The builds of a Task, newest first", 400, 404, answer=BuildPage, parameters=[LIMIT, CONTINUE]
        ),
    )
    async def list_builds(request: Request, user: str, task: str) -> Response:
        person = await context.person(request)
        found = await context.task(request, person, user, task)
        numbers = sorted({*context.cache.builds_of(found), vocabulary.build_number(found)} - {0})

        def shown(number: int) -> dict[str, Any]:
            return workspace_view.build(context.cache, found, number)

        def size(number: int) -> int:
            return workspace_view.BUILD_BYTES

        one = page(numbers, request.query_params, place=lambda number: (-number,), size=size)
        return answer(context, person, "builds", one, shown, size=size)

    return router
