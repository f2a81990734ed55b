"""The routes that show Tasks' workspaces and their builds."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from taskyard.apiclient import Object
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.context import People
from taskyard.gateway.rest.errors import not_found
from taskyard.gateway.rest.openapi.options import described
from taskyard.gateway.rest.openapi.schemas.workspace import Workspace, WorkspaceBuild
from taskyard.gateway.rest.views import workspace as workspace_view


def routes(people: People) -> APIRouter:
    """The routes, working with `people`."""
    router = APIRouter(prefix="/api/v2", tags=["Workspaces"])

    @router.get("/workspaces/{workspace}", **described("workspace", "The workspace of a Task", 404, answer=Workspace))
    async def workspace(request: Request, workspace: str) -> JSONResponse:
        person = await people.person(request)
        uid = identifiers.parsed(workspace)
        task = people.cache.task_of_uid(uid) if uid else None
        return JSONResponse(workspace_view.workspace(people.cache, await _readable(people, person, task)))

    @router.get("/workspacebuilds/{build}", **described("build", "A build of a workspace", 404, answer=WorkspaceBuild))
    async def build(request: Request, build: str) -> JSONResponse:
        person = await people.person(request)
        uid = identifiers.parsed(build)
        found = people.cache.build_of_id(uid) if uid else None
        task = await _readable(people, person, found[0] if found else None)
        assert found is not None
        return JSONResponse(workspace_view.build(people.cache, task, found[1]))

    return router


async def _readable(people: People, person: Person, task: Object | None) -> Object:
    """The Task, if there is one and the person may read it. HttpError 404."""
    namespace = task["metadata"]["namespace"] if task else people.home(person)
    name = task["metadata"]["name"] if task else ""
    allowed = await people.may(person, "get", authorization.TASKS, namespace, name)
    if task is None or not allowed:
        raise not_found()
    return task
