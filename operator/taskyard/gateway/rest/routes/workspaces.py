"""The routes that show Tasks' workspaces and their builds."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from taskyard.gateway.http import websocket
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.errors import not_found
from taskyard.gateway.rest.openapi.options import AFTER, FOLLOW, OFFSET, WHOLE_LIMIT, WORKSPACE_Q, described
from taskyard.gateway.rest.openapi.schemas.workspace import BuildLogEntry, Workspace, WorkspaceBuild, WorkspaceList
from taskyard.gateway.rest.routes.answering import parts
from taskyard.gateway.rest.routes.paging import number_of
from taskyard.gateway.rest.search import workspaces as workspace_search
from taskyard.gateway.rest.streams import build_events
from taskyard.gateway.rest.views import workspace as workspace_view
from taskyard.gateway.rest.views.build_log import build_log
from taskyard.gateway.rest.views.task import Settings


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v2", tags=["Workspaces"])

    @router.get(
        "/workspaces",
        **described(
            "workspaces",
            "The workspaces of the Tasks that the caller may list",
            400,
            answer=WorkspaceList,
            parameters=[WORKSPACE_Q, WHOLE_LIMIT, OFFSET],
            links=True,
        ),
    )
    async def workspaces(request: Request) -> Response:
        person = await context.person(request)
        found = await workspace_search.listed(context, person, request.query_params.get("q", ""))
        settings, more = Settings(context.cache), {"count": len(found)}

        def shown(task: TaskView) -> dict[str, Any]:
            return workspace_view.workspace(context.cache, task, settings.of(task))

        def size(task: TaskView) -> int:
            return workspace_view.WORKSPACE_BYTES

        return parts(context, request, person, "workspaces", found, shown, size=size, more=more)

    @router.get("/workspaces/{workspace}", **described("workspace", "The workspace of a Task", 404, answer=Workspace))
    async def workspace(request: Request, workspace: str) -> JSONResponse:
        person = await context.person(request)
        uid = identifiers.parsed(workspace)
        task = context.cache.task_of_uid(uid) if uid else None
        return JSONResponse(workspace_view.workspace(context.cache, await _readable(context, person, task)))

    @router.get(
        "/users/{user}/workspace/{task}",
        **described("userWorkspace", "The workspace of a Task by its owner and its name", 404, answer=Workspace),
    )
    async def of_user(request: Request, user: str, task: str) -> JSONResponse:
        person = await context.person(request)
        found = await context.task(request, person, user, task)
        return JSONResponse(workspace_view.workspace(context.cache, found))

    @router.get("/workspacebuilds/{build}", **described("build", "A build of a workspace", 404, answer=WorkspaceBuild))
    async def build(request: Request, build: str) -> JSONResponse:
        person = await context.person(request)
        return JSONResponse(workspace_view.build(context.cache, *await _build(context, person, build)))

    @router.get(
        "/workspacebuilds/{build}/logs",
        **described(
            "buildLog",
            "What a build has done",
            400,
            404,
            text="With `follow` over a websocket: an entry a message, until the build has ended.",
            answer=list[BuildLogEntry],
            parameters=[FOLLOW, AFTER],
        ),
    )
    async def log(request: Request, build: str) -> Response:
        follows = request.query_params.get("follow", "false").lower() not in ("false", "0")
        person = await context.person(request, streaming=follows)
        task, number = await _build(context, person, build)
        after = number_of(request.query_params, "after")
        if not follows:
            entries = build_log(workspace_view.build(context.cache, task, number))
            return JSONResponse([entry for entry in entries if entry["id"] > after])
        if not websocket.is_asked_for(request):
            detail = "Ask without `follow` for the log so far."
            raise HttpError(400, "A websocket is needed to follow a log.", detail=detail)
        access = context.stream_access(request, person)
        entries_to_come = build_events.follow(context.cache, access, context.stopping, task, number, after=after)
        return websocket.WebSocketResponse(request, entries_to_come)

    return router


async def _build(context: RestContext, person: Person, build: str) -> tuple[TaskView, int]:
    """The Task and the number of a build, if the person may read the Task. Raises HttpError 404 otherwise."""
    uid = identifiers.parsed(build)
    found = context.cache.build_of_id(uid) if uid else None
    task = await _readable(context, person, found[0] if found else None)
    assert found is not None
    return task, found[1]


async def _readable(context: RestContext, person: Person, task: TaskView | None) -> TaskView:
    """The Task, if it exists and the person may read it. Raises HttpError 404 otherwise."""
    namespace = task.namespace if task else context.home(person)
    name = task.name if task else ""
    allowed = await context.may(person, "get", authorization.TASKS, namespace, name)
    if task is None or not allowed:
        raise not_found()
    return task
