"""The routes that create, list, show and delete Tasks."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from taskyard.api import API_VERSION
from taskyard.apiclient import ApiError, ConflictError, MissingError
from taskyard.core import names, tasknames
from taskyard.gateway.audit import act as acts
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.access.namespaces import Owner
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.cache.objects.template import TemplateVersionView
from taskyard.gateway.rest.context import RestContext, denied
from taskyard.gateway.rest.errors import answer_to
from taskyard.gateway.rest.naming import digits
from taskyard.gateway.rest.openapi.options import OFFSET, WHOLE_LIMIT, Q, described
from taskyard.gateway.rest.openapi.schemas.requests import CreateTask
from taskyard.gateway.rest.openapi.schemas.task import Task, TaskList
from taskyard.gateway.rest.routes.answering import parts
from taskyard.gateway.rest.routes.input_text import check_input
from taskyard.gateway.rest.search import tasks as listing
from taskyard.gateway.rest.views import task as task_view
from taskyard.limits import MAX_DISPLAY_NAME_CHARACTERS

_VERSION_NOT_FOUND = "Template version not found or you do not have access to this resource"
_TRIES = 5


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v2", tags=["Tasks"])

    @router.post(
        "/tasks/{user}",
        **described("createTask", "Create a Task", 400, 403, 404, 408, 409, status=201, answer=Task, body=CreateTask),
    )
    async def create(request: Request, user: str) -> JSONResponse:
        person = await context.person(request)
        asked = await context.read(request, person, CreateTask)
        acts.of(request).says(asked.input)
        check_input(asked.input, may_be_blank=True)
        task = await _create(context, request, person, user, asked)
        return JSONResponse(await _document(context, task), status_code=201)

    @router.get(
        "/tasks",
        **described(
            "tasks", "List Tasks, newest first", 400, answer=TaskList, parameters=[Q, WHOLE_LIMIT, OFFSET], links=True
        ),
    )
    async def list_tasks(request: Request) -> Response:
        person = await context.person(request)
        wanted = await listing.wanted(context, person, request.query_params.get("q", ""))
        found = list(await listing.found(context, person, wanted))
        shown, more = task_view.Documents(context.cache, context.prompts), {"count": len(found)}
        return parts(context, request, person, "tasks", found, shown, size=task_view.size, more=more, fetching=shown)

    @router.get("/tasks/{user}/", include_in_schema=False)
    @router.delete("/tasks/{user}/", include_in_schema=False)
    async def unnamed(request: Request, user: str) -> JSONResponse:
        await context.person(request)
        raise HttpError(400, '"task" must be provided.')

    @router.get("/tasks/{user}/{task}", **described("task", "A Task", 404, answer=Task))
    async def show(request: Request, user: str, task: str) -> JSONResponse:
        person = await context.person(request)
        return JSONResponse(await _document(context, await context.task(request, person, user, task)))

    @router.delete("/tasks/{user}/{task}", **described("deleteTask", "Delete a Task", 400, 403, 404, 409, status=202))
    async def delete(request: Request, user: str, task: str) -> Response:
        person = await context.person(request)
        found = await context.task(request, person, user, task)
        try:
            await context.cluster.delete_task(person.token, found, request_id=acts.of(request).request)
        except MissingError:
            pass  # somebody else was faster
        except ApiError as error:
            raise answer_to(error) from error
        context.cache.tasks.remove((found.namespace, found.name), uid=found.uid)
        return Response(status_code=202)

    return router


async def _document(context: RestContext, task: TaskView) -> dict[str, Any]:
    prompt = await context.prompts.of(task)
    return task_view.document(task, task_view.setting_of(context.cache, task), prompt)


async def _create(context: RestContext, request: Request, person: Person, user: str, asked: CreateTask) -> TaskView:
    owner, act = context.owner(user, person), acts.of(request)
    if owner is not None:
        act.namespace = owner.namespace
    version = await _version(context, person, owner, asked.template_version_id, user=user)
    if not version.has_agent:
        raise HttpError(400, 'Template does not have a valid "coder_ai_task" resource.')
    fault = tasknames.fault(asked.name) if asked.name else None
    if fault:
        raise HttpError(400, "Unable to create a Task with the provided name.", detail=fault)
    title = asked.display_name.strip()
    if len(title) > MAX_DISPLAY_NAME_CHARACTERS:
        raise HttpError(400, f"Display name must be {MAX_DISPLAY_NAME_CHARACTERS} characters or less.")
    preset = _preset(version, asked.template_version_preset_id)
    if owner is None or not await context.may(person, "create", authorization.TASKS, owner.namespace):
        raise denied(request, "create", authorization.TASKS)
    generated = None if asked.name and title else await context.naming.names(asked.input)
    for _ in range(_TRIES):
        name = asked.name.lower() or tasknames.with_digits(generated.stem if generated else "", digits())
        act.name = name
        if context.cache.tasks.get((owner.namespace, name)):
            taken = True
        else:
            spec = {
                "prompt": asked.input,
                "templateVersion": version.name,
                "displayName": title or (generated.display_name if generated else ""),
                **({"preset": preset} if preset else {}),
            }
            taken, task = await _created(context, person, owner.namespace, name, spec, request_id=act.request)
            if task:
                act.uid = task.uid
                return task
        if taken and asked.name:
            break
    raise HttpError(
        409,
        f'Workspace "{name}" already exists.',
        validations=[{"field": "name", "detail": "This value is already in use and should be unique."}],
    )


async def _created(
    context: RestContext, person: Person, namespace: str, name: str, spec: dict[str, Any], *, request_id: str
) -> tuple[bool, TaskView | None]:
    """Whether the name is taken, and the new Task if it is not."""
    manifest = {
        "apiVersion": API_VERSION,
        "kind": "Task",
        "metadata": {"name": name, "namespace": namespace, "annotations": names.created_by(person.user.username)},
        "spec": spec,
    }
    try:
        made = await context.cluster.create_task(person.token, manifest, request_id=request_id)
        return False, context.cache.task_written(made)
    except ConflictError as error:
        if error.reason == "AlreadyExists":
            return True, None
        raise answer_to(error) from error
    except ApiError as error:
        raise answer_to(error) from error


async def _version(
    context: RestContext, person: Person, owner: Owner | None, identifier: str, *, user: str
) -> TemplateVersionView:
    """The TemplateVersion of a UID or a name in the owner's namespace, where the Task will be created."""
    namespace = owner.namespace if owner else ""
    uid = identifiers.parsed(identifier)
    found = context.cache.template_version_of_uid(uid) if uid else None
    found = found or context.cache.template_versions.get((namespace, identifier))
    # The right is checked in any case, so that a denial takes no longer than an absence.
    asked_in, asked_for = namespace or user.lower(), found.name if found else identifier
    allowed = await context.may(person, "get", authorization.TEMPLATE_VERSIONS, asked_in, asked_for)
    if found is None or not allowed or found.namespace != namespace:
        raise HttpError(400, _VERSION_NOT_FOUND, detail=await _elsewhere(context, person, found, namespace))
    return found


async def _elsewhere(context: RestContext, person: Person, found: TemplateVersionView | None, namespace: str) -> str:
    """What to do about a version of another namespace than the Task's, if the person may see the version."""
    if found is None or not namespace:
        return ""
    where, name = found.namespace, found.name
    if where == namespace or not await context.may(person, "get", authorization.TEMPLATE_VERSIONS, where, name):
        return ""
    return f'"{name}" is in the namespace {where}, and a Task of {namespace} takes one of {namespace}.'


def _preset(version: TemplateVersionView, identifier: str | None) -> str:
    """The name of the preset, empty for none."""
    if not identifier or identifier == identifiers.NONE:
        return ""
    for preset in version.presets:
        name = preset.name
        if identifier in (name, identifiers.preset(version.uid, name)):
            return name
    raise HttpError(
        400,
        "Template version preset not found.",
        validations=[{"field": "template_version_preset_id", "detail": "This template version has no such preset."}],
    )
