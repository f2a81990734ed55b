"""The outputs of an agent: from the sidecar's request into the Task's status."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, field_validator

from taskyard.api.vocabulary import OUTPUT_NAME
from taskyard.core.text_sanitizer import printable_text
from taskyard.gateway.context import Context
from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.http.request_body import read_model
from taskyard.gateway.sidecars.task_status import update_status
from taskyard.gateway.sidecars.token import authenticate
from taskyard.limits import MAX_OUTPUT_NAME_CHARACTERS, MAX_OUTPUT_VALUE_BYTES, MAX_OUTPUTS

_BODY_BYTES = 65_536


class Output(BaseModel):
    """One output; its value is at most 1,024 bytes."""

    name: Annotated[str, Field(pattern=OUTPUT_NAME, max_length=MAX_OUTPUT_NAME_CHARACTERS)]
    value: str

    @field_validator("value")
    @classmethod
    def _storable(cls, value: str) -> str:
        value = printable_text(value)
        if len(value.encode("utf-8", "replace")) > MAX_OUTPUT_VALUE_BYTES:
            raise ValueError(f"must have at most {MAX_OUTPUT_VALUE_BYTES} bytes")
        return value


class Outputs(BaseModel):
    """The body of `PATCH …/outputs`: outputs to add, or to replace those with the same name."""

    outputs: Annotated[list[Output], Field(max_length=MAX_OUTPUTS)]


def routes(context: Context) -> APIRouter:
    """The route, working with `context`."""
    router = APIRouter(prefix="/api/v1alpha1")

    @router.patch("/outputs")
    async def store(request: Request) -> JSONResponse:
        caller = await authenticate(context, request)
        given = await read_model(request, Outputs, _BODY_BYTES)
        await update_status(
            context,
            lambda: authenticate(context, request),
            lambda caller: status_change(given, status=caller.task.status),
            first=caller,
            contended=HttpError(503, "The Task's status changes too often.", retry_after=1),
        )
        return JSONResponse({})

    return router


def status_change(given: Outputs, *, status: Mapping[str, Any]) -> dict[str, Any]:
    """What to merge into the Task's status; empty if it already has these outputs. Raises HttpError 400 for too
    many."""
    known = status.get("outputs") or []
    merged = merge(known, given.outputs)
    return {} if merged == known else {"outputs": merged}


def merge(known: Sequence[dict[str, Any]], given: Sequence[Output]) -> list[dict[str, Any]]:
    """The Task's outputs with the given ones, in the order in which their names first appeared. Raises HttpError 400
    for too many."""
    values = {output["name"]: output.get("value", "") for output in known}
    values.update({output.name: output.value for output in given})
    if len(values) > MAX_OUTPUTS:
        raise HttpError(400, "Too many outputs.", detail=f"A Task has at most {MAX_OUTPUTS}.")
    return [{"name": name, "value": value} for name, value in values.items()]
