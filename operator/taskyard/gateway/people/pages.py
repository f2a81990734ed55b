"""The lists that come in pages: Tasks, and a Task's builds."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from taskyard.apiclient import Object
from taskyard.gateway.people import listing, taskview, wire, workspaceview
from taskyard.gateway.people.context import People
from taskyard.gateway.people.described import CONTINUE, LIMIT, Q, described
from taskyard.gateway.people.paging import Place, newest_first, page
from taskyard.gateway.people.shapes.task import TaskPage
from taskyard.gateway.people.shapes.workspace import BuildPage


def routes(people: People) -> APIRouter:
    """The routes, working with `people`."""
    router = APIRouter(prefix="/api/v1alpha1/tasks", tags=["Beyond"])

    @router.get(
        "",
        **described(
            "taskPages", "List Tasks in pages, newest first", 400, answer=TaskPage, parameters=[Q, LIMIT, CONTINUE]
        ),
    )
    async def list_tasks(request: Request) -> JSONResponse:
        person = await people.person(request)
        wanted = await listing.wanted(people, person, request.query_params.get("q", ""))
        found = page(await listing.found(people, person, wanted), request.query_params, place=_place)
        return JSONResponse(found.body("tasks", taskview.documents(people.cache, found.entries)))

    @router.get(
        "/{user}/{task}/builds",
        **described(
            "builds", "The builds of a Task, newest first", 400, 404, answer=BuildPage, parameters=[LIMIT, CONTINUE]
        ),
    )
    async def list_builds(request: Request, user: str, task: str) -> JSONResponse:
        person = await people.person(request)
        shown = await people.task(person, user, task)
        numbers = {*people.cache.builds_of(shown), wire.build_number(shown)} - {0}
        found = page(sorted(numbers), request.query_params, place=lambda number: (-number,))
        documents = [workspaceview.build(people.cache, shown, number) for number in found.entries]
        return JSONResponse(found.body("builds", documents))

    return router


def _place(task: Object) -> Place:
    metadata = task["metadata"]
    return newest_first(metadata["creationTimestamp"]), metadata["name"], metadata["uid"]
