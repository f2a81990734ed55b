"""The routes of a conversation with an agent: send a message, and read the log."""

import asyncio
import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from taskyard.api.vocabulary import Phase
from taskyard.apiclient import ApiError, Object
from taskyard.core import names
from taskyard.core.ownership import is_owned_by
from taskyard.gateway.audit import act as acts
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.http.request_body import Room
from taskyard.gateway.rest.access import authorization
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.context import RestContext, denied
from taskyard.gateway.rest.openapi.options import IDEMPOTENCY_KEY, OFFSET, WHOLE_LIMIT, described
from taskyard.gateway.rest.openapi.schemas.requests import Input
from taskyard.gateway.rest.openapi.schemas.task import Log
from taskyard.gateway.rest.routes.answering import parts
from taskyard.gateway.rest.routes.idempotency import idempotency_key
from taskyard.gateway.rest.routes.input_text import check_input
from taskyard.gateway.rest.streams.agent_messages import pod_address_of
from taskyard.gateway.rest.views import vocabulary
from taskyard.gateway.rest.views.log_entries import Message, entry_size, log_entries, messages_of
from taskyard.sidecarclient import Accepted, NoAnswerError, NotReady, TooLargeError, UnreachableError

CALL_SECONDS = 30.0


def routes(context: RestContext) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v2/tasks/{user}/{task}", tags=["Tasks"])

    @router.post(
        "/send",
        **described(
            "send",
            "Send a message to the agent of an active Task",
            *(400, 404, 408, 409, 502),
            status=204,
            body=Input,
            headers=[IDEMPOTENCY_KEY],
        ),
    )
    async def send(request: Request, user: str, task: str) -> Response:
        person = await context.person(request)
        found = await context.task(request, person, user, task)
        content = (await context.read(request, person, Input)).input
        acts.of(request).says(content)
        check_input(content)
        key = idempotency_key(request, person)
        address = await _gate(context, request, person, found, verb="create", resource=authorization.TASK_INPUTS)
        await _send(context, content, key=key, **address)
        return Response(status_code=204)

    @router.get(
        "/logs",
        **described(
            "log",
            "The conversation of a Task",
            *(400, 404, 409, 500, 502),
            answer=Log,
            parameters=[WHOLE_LIMIT, OFFSET],
            links=True,
        ),
    )
    async def logs(request: Request, user: str, task: str) -> Response:
        person = await context.person(request)
        found = await context.task(request, person, user, task)
        phase = vocabulary.phase(found)
        if phase == Phase.ACTIVE:
            address = await _gate(context, request, person, found, verb="get", resource=authorization.TASK_LOG)
            messages = await _live(context, context.memory.for_log(request, person), **address)
            return parts(context, request, person, "logs", messages, Message.entry, size=Message.size)
        if phase in (Phase.PAUSED, Phase.PAUSING, Phase.PENDING, Phase.INITIALIZING):
            log = await _stored(context, request, person, found)
            entries = log.pop("logs")
            return parts(context, request, person, "logs", entries, dict, size=entry_size, more=log)
        raise HttpError(
            409, "Cannot fetch logs for task in current state.", detail=f'Task status is "{vocabulary.status(found)}".'
        )

    return router


async def _gate(
    context: RestContext, request: Request, person: Person, task: TaskView, *, verb: str, resource: str
) -> dict[str, str]:
    """Address and UID of the agent's Pod, if the Task is active and the person is allowed. Raises HttpError
    otherwise."""
    phase, status = vocabulary.phase(task), vocabulary.status(task)
    if phase in (Phase.PENDING, Phase.INITIALIZING):
        raise HttpError(
            409,
            f"Task is {status}.",
            detail="The task is resuming. Wait for the task to become active before sending messages.",
        )
    if phase == Phase.PAUSED:
        raise HttpError(409, "Task is paused.", detail="Resume the task to send messages.")
    if phase == Phase.PAUSING:
        raise HttpError(409, "Task is pausing.", detail="Once it is paused, resume the task to send messages.")
    if phase != Phase.ACTIVE:
        raise HttpError(
            400,
            "Task must be active.",
            detail=f'Task status is "{status}", it must be "active" to interact with the task.',
        )
    # A right to the log may name one Task; an input has no name before it is created.
    name = task.name if verb == "get" else ""
    if not await context.may(person, verb, resource, task.namespace, name):
        raise denied(request, verb, resource)
    address = pod_address_of(context.cache, task)
    if address is None:
        raise HttpError(502, "Failed to reach task app endpoint.", detail="The Task's Pod has no address.")
    return {"ip": address.ip, "pod_uid": address.pod_uid}


async def _send(context: RestContext, content: str, *, key: str, ip: str, pod_uid: str) -> None:
    sidecars = context.sidecars()
    try:
        async with asyncio.timeout(CALL_SECONDS), context.turns.of(pod_uid):
            try:
                status = await sidecars.get("/status", ip=ip, pod_uid=pod_uid)
            except UnreachableError as error:
                raise HttpError(502, "Failed to reach task app endpoint.", detail=str(error)) from error
            except NoAnswerError as error:
                raise HttpError(502, "Failed to get status from task app.", detail=str(error)) from error
            if status.get("status") != "stable":
                raise _busy(str(status.get("status")))
            answer = await sidecars.send(ip=ip, pod_uid=pod_uid, content=content, kind="user", idempotency_key=key)
    except TimeoutError as error:
        detail = f"It did not answer within {CALL_SECONDS:.0f} s; the message may have arrived."
        raise HttpError(502, "Task app rejected the message.", detail=detail) from error
    if isinstance(answer, NotReady):
        raise _busy("running")
    if not isinstance(answer, Accepted):
        raise HttpError(502, "Task app rejected the message.", detail=answer.cause)


def _busy(status: str) -> HttpError:
    return HttpError(409, "Task app is not ready to accept input.", detail=f"Status: {status}")


async def _live(context: RestContext, room: Room, *, ip: str, pod_uid: str) -> list[Message]:
    try:
        async with asyncio.timeout(CALL_SECONDS), context.turns.of(pod_uid):
            document = await context.sidecars().messages(ip=ip, pod_uid=pod_uid, room=room)
    except UnreachableError as error:
        raise HttpError(502, "Failed to reach task app endpoint.", detail=str(error)) from error
    except TooLargeError as error:
        detail = f"The conversation is too large: {error}. Pause the Task to read its last snapshot."
        raise HttpError(502, "Failed to get messages from task app.", detail=detail, bound="log") from error
    except (NoAnswerError, TimeoutError) as error:
        raise HttpError(
            502, "Failed to get messages from task app.", detail=str(error) or "It took too long."
        ) from error
    messages = messages_of(document)
    if messages is None:
        raise HttpError(502, "Invalid task app response.")
    return messages


async def _stored(context: RestContext, request: Request, person: Person, task: TaskView) -> dict[str, Any]:
    """The snapshot of the conversation, or an empty log without one."""
    namespace, name = task.namespace, task.name
    if not await context.may(person, "get", authorization.TASK_LOG, namespace, name):
        raise HttpError(404, "Resource not found.") from denied(request, "get", authorization.TASK_LOG)
    if not task.snapshot_taken_at:
        return {"logs": [], "snapshot": True}
    try:
        found = await context.cluster.config_map(namespace, names.snapshot_name(name))
    except ApiError as error:
        raise HttpError(500, "Internal error fetching task snapshot.", detail=error.message) from error
    return stored_log(found, task_uid=task.uid, taken_at=task.snapshot_taken_at)


def stored_log(config_map: Object | None, *, task_uid: str, taken_at: str) -> dict[str, Any]:
    """The log in the ConfigMap of a Task's snapshot; empty if the ConfigMap of that name does not belong to the Task.
    Raises HttpError 500 for an invalid snapshot."""
    if config_map is None or not is_owned_by(config_map, task_uid):
        return {"logs": [], "snapshot": True}
    entries = snapshot_entries((config_map.get("data") or {}).get("snapshot.json", ""))
    return {"logs": entries, "snapshot": True, "snapshot_at": taken_at}


def snapshot_entries(text: str) -> list[dict[str, Any]]:
    """The log entries of a stored snapshot. Raises HttpError 500 for an invalid one."""
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HttpError(500, "Internal error decoding task snapshot.") from error
    if not isinstance(envelope, dict):
        raise HttpError(500, "Internal error decoding task snapshot.")
    if envelope.get("format") != "agentapi":
        detail = f'Expected format "agentapi", got "{envelope.get("format")}".'
        raise HttpError(500, "Unsupported task snapshot format.", detail=detail)
    data = envelope.get("data")
    if not isinstance(data, dict):
        raise HttpError(500, "Internal error decoding snapshot data.")
    entries = log_entries(data.get("messages"))
    if entries is None:
        raise HttpError(500, "Invalid snapshot data.")
    return entries
