"""The queue of a Task's inputs: messages that wait until its agent is ready for them."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from taskyard.api import API_VERSION
from taskyard.api.vocabulary import InputType, Phase
from taskyard.apiclient import ApiError, ConflictError, Object
from taskyard.core import control_text, names, times
from taskyard.gateway.audit import act as acts
from taskyard.gateway.audit.line import Verb
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.cache.objects.task_input import INPUT, InputView, digest
from taskyard.gateway.rest.context import RestContext, denied
from taskyard.gateway.rest.errors import answer_to
from taskyard.gateway.rest.openapi.options import CONTINUE, IDEMPOTENCY_KEY, LIMIT, described
from taskyard.gateway.rest.openapi.schemas.requests import CreateInput
from taskyard.gateway.rest.openapi.schemas.task import InputPage, QueuedInput
from taskyard.gateway.rest.routes import paging
from taskyard.gateway.rest.routes.answering import answer
from taskyard.gateway.rest.routes.idempotency import idempotency_key
from taskyard.gateway.rest.routes.input_text import check_input, invalid_input
from taskyard.gateway.rest.routes.paging import Place
from taskyard.gateway.rest.views import vocabulary

# How long a repeated request waits until the cache has the input that the first one created.
_SEEN_SECONDS = 2.0
_LOOK_SECONDS = 0.02
_READ_AT_ONCE = 8


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
            text="409 also for keystrokes (type raw) while the Task is pending, pausing or paused: they are for what "
            "is on the agent's screen. 429 also when as many inputs as may wait already do, for the Task or in its "
            "namespace; `detail` says which. Messages, inputs of type raw, and answers are counted each by themselves.",
            answer=QueuedInput,
            also={200: "An earlier request with this key created this input."},
            body=CreateInput,
            headers=[IDEMPOTENCY_KEY],
        ),
    )
    async def create(request: Request, user: str, task: str) -> JSONResponse:
        person = await context.person(request)
        found = await context.task(request, person, user, task)
        asked = await context.read(request, person, CreateInput)
        act = acts.of(request)
        act.verb = Verb.ANSWER if asked.answers else Verb.QUEUE_INPUT
        act.says(asked.content)
        _check(asked)
        spec = {
            "task": found.name,
            "content": asked.content,
            "type": InputType(asked.type.capitalize()),
            "resume": asked.resume,
            **({"answers": asked.answers} if asked.answers else {}),
        }
        key = idempotency_key(request, person)
        made, is_new = await _create(context, person, found, spec, key=key, request_id=act.request)
        act.input = made.name
        return JSONResponse(document(made, asked.content), status_code=201 if is_new else 200)

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
    async def list_inputs(request: Request, user: str, task: str) -> Response:
        person = await context.person(request)
        shown = await context.task(request, person, user, task)
        if not await context.may(person, "list", authorization.TASK_INPUTS, shown.namespace):
            raise denied(request, "list", authorization.TASK_INPUTS)
        found = paging.page(context.cache.inputs_of(shown), request.query_params, place=_place, size=_size)
        contents = await _contents(context, request, person, found.entries)
        return answer(context, person, "inputs", found, lambda entry: document(entry, contents[entry.uid]), size=_size)

    return router


def document(entry: InputView, content: str) -> dict[str, Any]:
    """An input as the REST API shows it."""
    return {
        "id": entry.uid,
        "name": entry.name,
        "content": content,
        "type": entry.type.lower(),
        "resume": entry.resume,
        "answers": entry.answers,
        "phase": entry.phase.lower(),
        "message": entry.message,
        "created_at": entry.created_at,
        "delivered_at": entry.delivered_at,
        "rejected_at": entry.rejected_at,
    }


def _size(entry: InputView) -> int:
    """About the bytes of an input's document."""
    return 600 + entry.size


async def _contents(
    context: RestContext, request: Request, person: Person, entries: Sequence[InputView]
) -> dict[str, str]:
    """The contents of inputs by UID. The long ones, which the cache does not keep, are read; one that is gone by now is
    empty. Raises HttpError 429 when there is no room for them, and ApiError."""
    contents = {entry.uid: entry.content for entry in entries if entry.content is not None}
    long_ones = [entry for entry in entries if entry.content is None]
    if long_ones:
        await context.memory.for_log(request, person)(sum(entry.size for entry in long_ones))
    for begin in range(0, len(long_ones), _READ_AT_ONCE):
        part = long_ones[begin : begin + _READ_AT_ONCE]
        found = await asyncio.gather(*(context.cluster.task_input(entry.namespace, entry.name) for entry in part))
        for entry, manifest in zip(part, found, strict=True):
            is_there = manifest is not None and manifest["metadata"]["uid"] == entry.uid
            contents[entry.uid] = manifest["spec"]["content"] if manifest and is_there else ""
    return contents


def _check(asked: CreateInput) -> None:
    if asked.type != "raw" and not asked.content.strip():
        raise invalid_input("content", "A message is not blank.")
    check_input(asked.content, field="content", may_be_blank=True)
    problem = control_text.problem(asked.content) if asked.type == "control" else None
    if problem:
        raise invalid_input("content", f"It {problem}.")
    if asked.type != "user" and asked.answers:
        raise invalid_input("answers", "Only a message (type user) answers a question.")


def check_screen(task: TaskView, spec: Object) -> None:
    """Raise HttpError 409 for keystrokes while there is no screen that they could be for; the operator would refuse
    them a moment later."""
    phase = vocabulary.phase(task)
    if spec["type"] != InputType.RAW or phase not in (Phase.PENDING, Phase.PAUSED, Phase.PAUSING):
        return
    raise HttpError(
        409,
        f"Task is {phase.lower()}.",
        detail="Keystrokes (type raw) are for what is on the agent's screen, and there is none. Send them when the "
        "task is active.",
    )


async def _create(
    context: RestContext, person: Person, task: TaskView, spec: Object, *, key: str, request_id: str
) -> tuple[InputView, bool]:
    """The new input, or the one that the same request created before; and whether it is new."""
    # The name depends on the Task's UID too, since another Task may have the name by now.
    named = hashlib.sha256(f"{task.uid}/{key}".encode()).hexdigest()[:16]
    manifest: Object = {
        "apiVersion": API_VERSION,
        "kind": "TaskInput",
        "metadata": {
            "name": f"{task.name}-{named}",
            "namespace": task.namespace,
            # Nobody applies it again, so the operator need not keep it as long as the Task.
            "labels": {names.CREATED_BY: "gateway"},
            "annotations": names.created_by(person.user.username),
        },
        "spec": spec,
    }
    if context.cache.inputs.get((task.namespace, manifest["metadata"]["name"])) is None:
        check_screen(task, spec)
        context.room.check(task.namespace, spec)
    try:
        made = await context.cluster.create_input(person.token, manifest, request_id=request_id)
        return INPUT.of(made), True
    except ConflictError as error:
        if error.reason != "AlreadyExists":
            raise answer_to(error) from error
    except ApiError as error:
        raise answer_to(error) from error
    previous = await _seen(context, (task.namespace, manifest["metadata"]["name"]))
    if not _is_same(previous, spec):
        raise HttpError(409, "The Idempotency-Key was used for another input.")
    return previous, False


def _is_same(entry: InputView, spec: Object) -> bool:
    """Whether the input was created from this spec."""
    return (
        entry.digest == digest(spec["content"])
        and (entry.task, entry.type, entry.resume) == (spec["task"], spec["type"], spec["resume"])
        and entry.answers == spec.get("answers")
    )


async def _seen(context: RestContext, key: tuple[str, str]) -> InputView:
    loop = asyncio.get_running_loop()
    end = loop.time() + _SEEN_SECONDS
    while (found := context.cache.inputs.get(key)) is None:
        if loop.time() >= end:
            raise HttpError(503, "The input exists, but the gateway has not seen it yet.", retry_after=1)
        await asyncio.sleep(_LOOK_SECONDS)
    return found


def _place(entry: InputView) -> Place:
    """An input's place in the order of delivery."""
    return round(times.parse(entry.created_at).timestamp()), entry.order, entry.name
