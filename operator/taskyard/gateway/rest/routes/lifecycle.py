"""The routes that change the prompt of a Task, pause it and resume it."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from taskyard.api.vocabulary import PROMPT_LOCKED, BuildPhase, Phase
from taskyard.apiclient import ApiError, Object
from taskyard.core import names, times
from taskyard.gateway.audit import act as acts
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.errors import answer_to
from taskyard.gateway.rest.openapi.options import described
from taskyard.gateway.rest.openapi.schemas.requests import Input
from taskyard.gateway.rest.openapi.schemas.workspace import BuildStarted
from taskyard.gateway.rest.routes.input_text import check_input
from taskyard.gateway.rest.views import vocabulary
from taskyard.gateway.rest.views import workspace as workspace_view

# How long pause and resume wait for the operator to reserve the build that they request.
BUILD_SECONDS = 1.0
_LOOK_SECONDS = 0.02

_BUILD_ACTIVE = "A workspace build is already active."


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v2/tasks/{user}/{task}", tags=["Tasks"])

    @router.patch(
        "/input",
        **described(
            "changePrompt", "Change the prompt of a paused Task", 400, 403, 404, 408, 409, status=204, body=Input
        ),
    )
    async def change_prompt(request: Request, user: str, task: str) -> Response:
        person = await context.person(request)
        found = await context.task(request, person, user, task)
        prompt = (await context.read(request, person, Input)).input
        acts.of(request).says(prompt)
        check_input(prompt)
        if vocabulary.phase(found) != Phase.PAUSED:
            raise _locked()
        await _patch(context, request, person, found, {"spec": {"prompt": prompt}})
        return Response(status_code=204)

    @router.post(
        "/pause", **described("pauseTask", "Pause a Task", 400, 403, 404, 409, status=202, answer=BuildStarted)
    )
    async def pause(request: Request, user: str, task: str) -> JSONResponse:
        person = await context.person(request)
        return _build(await _pause(context, request, person, await context.task(request, person, user, task)))

    @router.post(
        "/resume", **described("resumeTask", "Resume a Task", 400, 403, 404, 409, status=202, answer=BuildStarted)
    )
    async def resume(request: Request, user: str, task: str) -> JSONResponse:
        person = await context.person(request)
        return _build(await _resume(context, request, person, await context.task(request, person, user, task)))

    return router


async def _pause(context: RestContext, request: Request, person: Person, task: TaskView) -> dict[str, Any]:
    number = vocabulary.build_number(task)
    if vocabulary.phase(task) != Phase.PAUSED:
        _refuse_while_building(task)
    written = await _patch(context, request, person, task, {"spec": {"paused": True}})
    if vocabulary.phase(task) == Phase.PAUSED:
        # An automatic pause becomes a manual one; nothing needs to be stopped a second time.
        return workspace_view.build(context.cache, written, max(1, number))
    return await _next_build(context, written, number + 1)


async def _resume(context: RestContext, request: Request, person: Person, task: TaskView) -> dict[str, Any]:
    number, shown = vocabulary.build_number(task), vocabulary.workspace_status(task)
    if shown == "running":
        raise HttpError(409, "Task workspace is already running.", detail=f'Workspace status is "{shown}".')
    if vocabulary.phase(task) != Phase.PAUSED:
        _refuse_while_building(task)
    # The annotation resumes a Task that paused by itself, and one that failed to start.
    annotations = {names.RESUMED_AT: times.micro(context.now())}
    patch = {"metadata": {"annotations": annotations}, "spec": {"paused": False}}
    written = await _patch(context, request, person, task, patch)
    return await _next_build(context, written, number + 1)


def _refuse_while_building(task: TaskView) -> None:
    """Raise HttpError 409 while a build is in progress; a Task without one waits for its first."""
    build = task.build
    if build is None:
        raise HttpError(409, _BUILD_ACTIVE, detail="The first build of the Task has not begun yet.")
    if build.phase in (BuildPhase.PENDING, BuildPhase.RUNNING):
        raise HttpError(409, _BUILD_ACTIVE, detail=f"Build {build.number} is {str(build.phase).lower()}.")


async def _patch(context: RestContext, request: Request, person: Person, task: TaskView, patch: Object) -> TaskView:
    identifier = acts.of(request).request
    try:
        written = await context.cluster.patch_task(person.token, task, patch, request_id=identifier)
        return context.cache.task_written(written)
    except ApiError as error:
        if error.status == 422 and PROMPT_LOCKED in error.message:
            raise _locked() from error
        raise answer_to(error) from error


async def _next_build(context: RestContext, task: TaskView, number: int) -> dict[str, Any]:
    """The build of that number once the operator has reserved it, or the expected one if that takes too long."""
    key = task.namespace, task.name
    loop = asyncio.get_running_loop()
    end = loop.time() + BUILD_SECONDS
    while loop.time() < end:
        newest = context.cache.task(key)
        if newest is None or newest.uid != task.uid:
            break
        task = newest
        if vocabulary.build_number(task) >= number:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    return workspace_view.build(context.cache, task, number)


def _build(document: dict[str, Any]) -> JSONResponse:
    return JSONResponse({"workspace_build": document}, status_code=202)


def _locked() -> HttpError:
    return HttpError(409, PROMPT_LOCKED, detail="Please stop the task's workspace before updating the input.")
