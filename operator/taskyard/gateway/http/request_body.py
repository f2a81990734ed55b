"""Request bodies: bounded in size and in time before they are parsed."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from taskyard.gateway.http.errors import HttpError

READ_TIMEOUT = 10.0

M = TypeVar("M", bound=BaseModel)

# Told a number of bytes before they are read; may wait, or raise.
Room = Callable[[int], Awaitable[None]]


class TooLargeError(Exception):
    """The body is larger than the route accepts."""


async def read_body(request: Request, limit: int, room: Room | None = None) -> bytes:
    """The body; `room` is told how many bytes it may take before they are read. Raises TooLargeError beyond `limit`
    bytes, without reading on, HttpError 408 after ten seconds, and what `room` raises."""
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isdecimal() else limit
    if size > limit:
        raise TooLargeError
    if room:
        await room(size)
    body = bytearray()
    try:
        async with asyncio.timeout(READ_TIMEOUT):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise TooLargeError
    except TimeoutError as error:
        raise HttpError(408, "The request's body did not arrive in time.", close=True) from error
    except ClientDisconnect as error:
        raise HttpError(400, "The request's body ended early.", close=True) from error
    return bytes(body)


async def read_model(request: Request, model: type[M], limit: int, room: Room | None = None) -> M:
    """The body as a model. Raises HttpError 400, which names the invalid fields, and what `room` raises."""
    try:
        body = await read_body(request, limit, room)
    except TooLargeError as error:
        raise HttpError(
            400, "The request's body is too large.", detail=f"At most {limit} bytes.", close=True, bound="body"
        ) from error
    return validated(model, parse_json(body))


def parse_json(body: bytes) -> Any:
    """A JSON value according to RFC 8259. Raises HttpError 400 for anything else: NaN, an encoding other than UTF-8,
    nesting that is too deep."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise HttpError(400, "Request body must be valid JSON.", detail="It is nested too deeply.") from error
    except ValueError as error:
        raise HttpError(400, "Request body must be valid JSON.", detail=str(error)) from error


def validated(model: type[M], value: Any) -> M:
    """The value as a model. Raises HttpError 400, which names the invalid fields."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise HttpError(
            400,
            "Validation failed.",
            validations=[
                {"field": ".".join(str(part) for part in fault["loc"]) or "body", "detail": fault["msg"]}
                for fault in error.errors(include_url=False, include_context=False, include_input=False)[:10]
            ],
        ) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
