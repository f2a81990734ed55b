"""The routes that show Tasks' workspaces and their builds."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from taskyard.apiclient import Object
from taskyard.gateway.people import authorization, identifiers, workspaceview
from taskyard.gateway.people.authentication import Person
from taskyard.gateway.people.context import People
from taskyard.gateway.people.described import described
from taskyard.gateway.people.refusals import not_found
from taskyard.gateway.people.shapes.workspace import Workspace, WorkspaceBuild


def routes(people: People) -> APIRouter:
    """The routes, working with `people`."""
    router = APIRouter(prefix="/api/v2", tags=["Workspaces"])

    @router.get("/workspaces/{workspace}", **described("workspace", "The workspace of a Task", 404, answer=Workspace))
    async def workspace(request: Request, workspace: str) -> JSONResponse:
        person = await people.person(request)
        uid = identifiers.parsed(workspace)
        task = people.cache.task_of_uid(uid) if uid else None
        return JSONResponse(workspaceview.workspace(people.cache, await _readable(people, person, task)))

    @router.get("/workspacebuilds/{build}", **described("build", "A build of a workspace", 404, answer=WorkspaceBuild))
    async def build(request: Request, build: str) -> JSONResponse:
        person = await people.person(request)
        uid = identifiers.parsed(build)
        found = people.cache.build_of_id(uid) if uid else None
        task = await _readable(people, person, found[0] if found else None)
        assert found is not None
        return JSONResponse(workspaceview.build(people.cache, task, found[1]))

    return router


async def _readable(people: People, person: Person, task: Object | None) -> Object:
    """The Task, if there is one and the person may read it. HttpError 404."""
    namespace = task["metadata"]["namespace"] if task else people.home(person)
    name = task["metadata"]["name"] if task else ""
    allowed = await people.may(person, "get", authorization.TASKS, namespace, name)
    if task is None or not allowed:
        raise not_found()
    return task
