"""The queue of a Task's inputs: messages that wait until its agent is ready for them."""

import asyncio
import hashlib
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from taskyard.api import API_VERSION
from taskyard.api.taskinput import InputPhase, InputType
from taskyard.apiclient import ApiError, ConflictError, Object
from taskyard.core import control_text, names
from taskyard.core.input_view import InputView
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.http.request_body import read_model
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.errors import answer_to, not_found
from taskyard.gateway.rest.openapi.options import CONTINUE, IDEMPOTENCY_KEY, LIMIT, described
from taskyard.gateway.rest.openapi.schemas.requests import BODY_BYTES, CreateInput
from taskyard.gateway.rest.openapi.schemas.task import InputPage, QueuedInput
from taskyard.gateway.rest.routes.idempotency import idempotency_key
from taskyard.gateway.rest.routes.input_text import check_input, invalid_input
from taskyard.gateway.rest.routes.paging import Place, page

# How long a repeated request waits until the cache has the input that the first one created.
_SEEN_SECONDS = 2.0
_LOOK_SECONDS = 0.02


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v1alpha1/tasks/{user}/{task}/inputs", tags=["Beyond"])

    @router.post(
        "",
        **described(
            "createInput",
            "Queue an input, which the agent receives when it is ready",
            *(400, 403, 404, 408, 409),
            status=201,
            answer=QueuedInput,
            also={200: "An earlier request with this key created this input."},
            body=CreateInput,
            headers=[IDEMPOTENCY_KEY],
        ),
    )
    async def create(request: Request, user: str, task: str) -> JSONResponse:
        person = await context.person(request)
        found = await context.task(person, user, task)
        asked = await read_model(request, CreateInput, BODY_BYTES)
        _check(asked)
        spec = {
            "task": found["metadata"]["name"],
            "content": asked.content,
            "type": InputType(asked.type.capitalize()),
            "resume": asked.resume,
            **({"answers": asked.answers} if asked.answers else {}),
        }
        key = idempotency_key(request, person)
        made, is_new = await _create(context, person, found, spec, key=key)
        return JSONResponse(document(made), status_code=201 if is_new else 200)

    @router.get(
        "",
        **described(
            "inputs",
            "The inputs of a Task, in the order of their delivery",
            *(400, 404),
            answer=InputPage,
            parameters=[LIMIT, CONTINUE],
        ),
    )
    async def list_inputs(request: Request, user: str, task: str) -> JSONResponse:
        person = await context.person(request)
        shown = await context.task(person, user, task)
        if not await context.may(person, "list", authorization.TASK_INPUTS, shown["metadata"]["namespace"]):
            raise not_found()
        found = page(context.cache.inputs_of(shown), request.query_params, place=_place)
        return JSONResponse(found.body("inputs", [document(entry) for entry in found.entries]))

    return router


def document(manifest: Object) -> dict[str, Any]:
    """An input as the REST API shows it."""
    metadata, spec, status = manifest["metadata"], manifest["spec"], manifest.get("status") or {}
    return {
        "id": metadata["uid"],
        "name": metadata["name"],
        "content": spec["content"],
        "type": spec.get("type", InputType.USER).lower(),
        "resume": spec.get("resume", False),
        "answers": spec.get("answers"),
        "phase": status.get("phase", InputPhase.QUEUED).lower(),
        "message": status.get("message") or "",
        "created_at": metadata["creationTimestamp"],
        "delivered_at": status.get("deliveredAt"),
        "rejected_at": status.get("rejectedAt"),
    }


def _check(asked: CreateInput) -> None:
    if asked.type != "raw" and not asked.content.strip():
        raise invalid_input("content", "A message is not blank.")
    check_input(asked.content, field="content", may_be_blank=True)
    problem = control_text.problem(asked.content) if asked.type == "control" else None
    if problem:
        raise invalid_input("content", f"It {problem}.")
    if asked.type != "user" and asked.answers:
        raise invalid_input("answers", "Only a message (type user) answers a question.")


async def _create(context: RestContext, person: Person, task: Object, spec: Object, *, key: str) -> tuple[Object, bool]:
    """The new input, or the one that the same request created before; and whether it is new."""
    metadata = task["metadata"]
    # The name depends on the Task's UID too, since another Task may have the name by now.
    named = hashlib.sha256(f"{metadata['uid']}/{key}".encode()).hexdigest()[:16]
    manifest: Object = {
        "apiVersion": API_VERSION,
        "kind": "TaskInput",
        "metadata": {
            "name": f"{metadata['name']}-{named}",
            "namespace": metadata["namespace"],
            # Nobody applies it again, so the operator need not keep it as long as the Task.
            "labels": {names.CREATED_BY: "gateway"},
        },
        "spec": spec,
    }
    try:
        return await context.cluster.create_input(person.token, manifest), True
    except ConflictError as error:
        if error.reason != "AlreadyExists":
            raise answer_to(error) from error
    except ApiError as error:
        raise answer_to(error) from error
    previous = await _seen(context, (metadata["namespace"], manifest["metadata"]["name"]))
    if previous["spec"] != spec:
        raise HttpError(409, "The Idempotency-Key was used for another input.")
    return previous, False


async def _seen(context: RestContext, key: tuple[str, str]) -> Object:
    loop = asyncio.get_running_loop()
    end = loop.time() + _SEEN_SECONDS
    while (found := context.cache.inputs.get(key)) is None:
        if loop.time() >= end:
            raise HttpError(503, "The input exists, but the gateway has not seen it yet.", retry_after=1)
        await asyncio.sleep(_LOOK_SECONDS)
    return found


def _place(manifest: Object) -> Place:
    """An input's place in the order of delivery."""
    line = InputView.of(manifest)
    return round(line.created_at.timestamp()), line.order, line.name
