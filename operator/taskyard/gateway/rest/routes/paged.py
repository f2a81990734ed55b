"""The paginated lists: Tasks, and the builds of a Task."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from taskyard.apiclient import Object
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.openapi.options import CONTINUE, LIMIT, Q, described
from taskyard.gateway.rest.openapi.schemas.task import TaskPage
from taskyard.gateway.rest.openapi.schemas.workspace import BuildPage
from taskyard.gateway.rest.routes.paging import Place, newest_first, page
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
    async def list_tasks(request: Request) -> JSONResponse:
        person = await context.person(request)
        wanted = await listing.wanted(context, person, request.query_params.get("q", ""))
        found = page(await listing.found(context, person, wanted), request.query_params, place=_place)
        return JSONResponse(found.body("tasks", task_view.documents(context.cache, found.entries)))

    @router.get(
        "/{user}/{task}/builds",
        **described(
            "builds", "The builds of a Task, newest first", 400, 404, answer=BuildPage, parameters=[LIMIT, CONTINUE]
        ),
    )
    async def list_builds(request: Request, user: str, task: str) -> JSONResponse:
        person = await context.person(request)
        shown = await context.task(person, user, task)
        numbers = {*context.cache.builds_of(shown), vocabulary.build_number(shown)} - {0}
        found = page(sorted(numbers), request.query_params, place=lambda number: (-number,))
        documents = [workspace_view.build(context.cache, shown, number) for number in found.entries]
        return JSONResponse(found.body("builds", documents))

    return router


def _place(task: Object) -> Place:
    metadata = task["metadata"]
    return newest_first(metadata["creationTimestamp"]), metadata["name"], metadata["uid"]
