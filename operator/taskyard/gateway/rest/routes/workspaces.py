"""The routes that show Tasks' workspaces and their builds."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from taskyard.apiclient import Object
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.errors import not_found
from taskyard.gateway.rest.openapi.options import described
from taskyard.gateway.rest.openapi.schemas.workspace import Workspace, WorkspaceBuild
from taskyard.gateway.rest.views import workspace as workspace_view


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v2", tags=["Workspaces"])

    @router.get("/workspaces/{workspace}", **described("workspace", "The workspace of a Task", 404, answer=Workspace))
    async def workspace(request: Request, workspace: str) -> JSONResponse:
        person = await context.person(request)
        uid = identifiers.parsed(workspace)
        task = context.cache.task_of_uid(uid) if uid else None
        return JSONResponse(workspace_view.workspace(context.cache, await _readable(context, person, task)))

    @router.get("/workspacebuilds/{build}", **described("build", "A build of a workspace", 404, answer=WorkspaceBuild))
    async def build(request: Request, build: str) -> JSONResponse:
        person = await context.person(request)
        uid = identifiers.parsed(build)
        found = context.cache.build_of_id(uid) if uid else None
        task = await _readable(context, person, found[0] if found else None)
        assert found is not None
        return JSONResponse(workspace_view.build(context.cache, task, found[1]))

    return router


async def _readable(context: RestContext, person: Person, task: Object | None) -> Object:
    """The Task, if it exists and the person may read it. Raises HttpError 404 otherwise."""
    namespace = task["metadata"]["namespace"] if task else context.home(person)
    name = task["metadata"]["name"] if task else ""
    allowed = await context.may(person, "get", authorization.TASKS, namespace, name)
    if task is None or not allowed:
        raise not_found()
    return task
