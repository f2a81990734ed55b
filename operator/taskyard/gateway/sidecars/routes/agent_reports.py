"""The routes of an enrolled sidecar: its agent's state, and snapshots of the conversation.

Paths, order of checks and messages follow the public contract that agents' tools already use.
"""

import logging
import uuid
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from taskyard.apiclient import ApiError, ConflictError, MissingError
from taskyard.core import conversation_stored, names, ownership, refusal
from taskyard.core.observed import Obstacle
from taskyard.core.ownership import Ownership
from taskyard.core.refusal import Attempt, Wait
from taskyard.core.times import rfc3339
from taskyard.gateway.context import Context
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.http.request_body import TooLargeError, parse_json, read_body, read_model, validated
from taskyard.gateway.sidecars import reports, snapshots
from taskyard.gateway.sidecars.evidence import read_task
from taskyard.gateway.sidecars.objects import Task
from taskyard.gateway.sidecars.pod_binding import Evidence
from taskyard.gateway.sidecars.reports import Report
from taskyard.gateway.sidecars.snapshots import Payload, Snapshot
from taskyard.gateway.sidecars.task_status import update_status
from taskyard.gateway.sidecars.token import Caller, authenticate
from taskyard.limits import MAX_SNAPSHOT_BYTES

NOT_FOUND = "Resource not found or you do not have access to this resource"

_REPORT_BYTES = 16_384
_TRIES = 5

logger = logging.getLogger(__name__)


def routes(context: Context) -> APIRouter:
    """The routes, working with `context`."""
    router = APIRouter(prefix="/api/v2/workspaceagents/me")

    @router.patch("/app-status")
    async def app_status(request: Request) -> JSONResponse:
        caller = await authenticate(context, request)
        report = await read_model(request, Report, _REPORT_BYTES)
        reports.check(report)
        await _store_report(context, request, caller, report)
        return JSONResponse({})

    @router.post("/tasks/{task_id}/log-snapshot")
    async def log_snapshot(request: Request, task_id: str) -> Response:
        caller = await authenticate(context, request)
        task_uid = _task_uid(task_id)
        _check_query(request)
        if task_uid != caller.task.uid:
            raise HttpError(404, NOT_FOUND)
        snapshot = _snapshot(await _payload(request))
        await _store_snapshot(context, caller, snapshot)
        return Response(status_code=204)

    return router


async def _store_report(context: Context, request: Request, caller: Caller, report: Report) -> None:
    """Write the state if the caller still belongs to the newest start; read again whenever the Task has changed."""
    _, change = await update_status(
        context,
        lambda: authenticate(context, request),
        lambda caller: reports.status_change(
            report, status=caller.task.status, build=caller.build.number, now=context.now()
        ),
        first=caller,
        contended=HttpError(503, "The Task's status changes too often.", retry_after=1),
    )
    if "state" in change:
        context.metrics.report_stored(change["state"]["state"])


def _task_uid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise HttpError(400, "Invalid task ID format.") from error


def _check_query(request: Request) -> None:
    query = request.query_params.multi_items()
    names = [name for name, _ in query]
    if names != ["format"] or not query[0][1]:
        raise HttpError(400, "Invalid query parameters.", detail='Exactly one is taken: "format".')
    wanted = reports.printable(query[0][1])
    if wanted != "agentapi":
        raise HttpError(
            400,
            "Invalid format parameter.",
            detail=f'Only "agentapi" format is currently supported, got "{wanted}".',
        )


async def _payload(request: Request) -> object:
    try:
        return parse_json(await read_body(request, MAX_SNAPSHOT_BYTES))
    except TooLargeError as error:
        raise HttpError(
            400,
            "Failed to decode request payload.",
            detail=f"It is larger than {MAX_SNAPSHOT_BYTES} bytes.",
            close=True,
        ) from error
    except HttpError as error:
        if error.status != 400:
            raise
        raise HttpError(400, "Failed to decode request payload.", detail=error.detail) from error


def _snapshot(payload: object) -> Snapshot:
    if not isinstance(payload, dict):
        raise HttpError(400, "Failed to decode request payload.", detail="It is not a JSON object.")
    if payload.get("messages") is None:
        raise HttpError(400, "Invalid agentapi payload structure.", detail='Missing required "messages" field.')
    try:
        return snapshots.snapshot_of(validated(Payload, payload))
    except HttpError as error:
        raise HttpError(400, "Invalid agentapi payload structure.", validations=error.validations) from error


async def _store_snapshot(context: Context, caller: Caller, snapshot: Snapshot) -> None:
    try:
        await _keep(context, caller, snapshot)
        await _store_summary(context, caller, snapshot)
        context.metrics.snapshot_stored(snapshot.size)
    except ApiError as error:
        raise HttpError(500, "Internal error storing snapshot.", detail=error.message) from error


async def _keep(context: Context, caller: Caller, snapshot: Snapshot) -> None:
    """Store the ConfigMap. A refusal is told in the Task too. Raises ApiError."""
    try:
        await _store_config_map(context, caller, snapshot)
    except ApiError as error:
        logger.warning("snapshot of task %s/%s: %s", caller.task.namespace, caller.task.name, error)
        verb = "update" if caller.task.status.get("snapshot") else "create"
        name = names.snapshot_name(caller.task.name)
        verdict = refusal.of(error.answer, Attempt(verb, "ConfigMap", name, by=refusal.GATEWAY))
        if isinstance(verdict, Wait):
            await _tell_refusal(context, caller, verdict.obstacle)
        raise


async def _store_config_map(context: Context, caller: Caller, snapshot: Snapshot) -> None:
    task, cluster = caller.task, context.cluster
    manifest = snapshots.config_map(snapshot, task=task)
    name = manifest["metadata"]["name"]
    for _ in range(_TRIES):
        existing = await cluster.config_map(task.namespace, name)
        try:
            if existing is None:
                await cluster.create_config_map(manifest)
                return
            whose = ownership.ownership_of(ownership.owners_of(existing), name=task.name, uid=task.uid)
            if whose is Ownership.FOREIGN and not snapshots.continues(snapshot, existing, task=task.name):
                message = f"ConfigMap {name} exists and is not this Task's; delete or rename it."
                await _tell_refusal(context, caller, Obstacle("NameConflict", message))
                raise _foreign(task, name)
            if whose is Ownership.FORMER and not await _is_there(context, task):
                return  # this Task itself is gone
            await cluster.patch_config_map(
                manifest,
                resource_version=existing["metadata"]["resourceVersion"],
                take_over=whose is not Ownership.OWN,
            )
            return
        except (ConflictError, MissingError):
            continue
    raise HttpError(500, "Internal error storing snapshot.", detail=f'ConfigMap "{name}" changes too often.')


def _foreign(task: Task, name: str) -> HttpError:
    logger.warning("ConfigMap %s/%s does not belong to task %s: not overwritten", task.namespace, name, task.name)
    return HttpError(
        409, f'ConfigMap "{name}" is not this Task\'s.', detail="Delete or rename it, and the next snapshot is stored."
    )


async def _is_there(context: Context, task: Task) -> bool:
    """Whether this Task, not another of its name, still exists."""
    found = await read_task(context, task.namespace, task.name)
    return found is not None and found.uid == task.uid


async def _store_summary(context: Context, caller: Caller, snapshot: Snapshot) -> None:
    """Describe the snapshot in the Task's status. The caller is not checked again: its Pod may be gone by now, and its
    last snapshot counts all the same."""
    summary = snapshots.task_snapshot(snapshot, task=caller.task.name, now=context.now())
    now = rfc3339(context.now())

    def decide(task: Task) -> dict[str, Any]:
        stored = conversation_stored.after_success(
            task.status.get("conditions") or [], generation=task.status.get("observedGeneration") or 0, now=now
        )
        return {"snapshot": summary} | ({"conditions": stored} if stored else {})

    await _update(context, caller, decide)


async def _tell_refusal(context: Context, caller: Caller, obstacle: Obstacle) -> None:
    """Say in the Task's status that its conversation is not stored, and why; at best, since the snapshot's own error is
    the answer."""
    context.metrics.snapshot_refused(obstacle.reason)
    now = rfc3339(context.now())

    def decide(task: Task) -> dict[str, Any]:
        refused = conversation_stored.after_refusal(
            task.status.get("conditions") or [],
            obstacle,
            generation=task.status.get("observedGeneration") or 0,
            now=now,
        )
        return {"conditions": refused} if refused else {}

    try:
        await _update(context, caller, decide)
    except (ApiError, HttpError) as error:
        logger.warning("task %s/%s: its status does not say so: %s", caller.task.namespace, caller.task.name, error)


async def _update(context: Context, caller: Caller, change: Callable[[Task], dict[str, Any]]) -> None:
    """Change the status of the caller's Task. The ConfigMap of a Task that was deleted meanwhile is garbage-collected,
    and nothing is said of it."""

    async def read() -> Evidence:
        task = await read_task(context, caller.task.namespace, caller.task.name)
        return Evidence(pod_uid=caller.pod_uid, build=caller.build, task=task)

    def decide(evidence: Evidence) -> dict[str, Any]:
        is_there = evidence.task is not None and evidence.task.uid == caller.task.uid
        return change(evidence.task) if evidence.task and is_there else {}

    detail = "The Task's status changes too often."
    contended = HttpError(500, "Internal error storing snapshot.", detail=detail)
    await update_status(context, read, decide, contended=contended)
