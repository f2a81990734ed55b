"""The parts of a route's OpenAPI description that FastAPI does not generate."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from taskyard.gateway.rest.errors import NOT_FOUND

LIMIT_DEFAULT = 100
MAX_LIMIT = 500

# Name, description, schema, example.
Parameter = tuple[str, str, Mapping[str, Any], Any]

Q: Parameter = (
    "q",
    "What to search for: `owner:`, `organization:`, `status:`; a bare word is an owner; quote values with spaces.",
    {"type": "string"},
    "status:active",
)
TEMPLATE_Q: Parameter = (
    "q",
    "What to search for: `name:` (a part of it), `exact_name:`, `display_name:`, `exact_display_name:`, "
    "`has-ai-task:`, `organization:`, `author:`, `author_id:`, `ids:`, `deprecated:`, `deleted:`, "
    "`has_external_agent:`; bare words are a part of the title; quote values with spaces.",
    {"type": "string"},
    "has-ai-task:true",
)
WORKSPACE_Q: Parameter = (
    "q",
    "What to search for: `owner:`, `name:` (a part of it), `template:`, `status:`, `organization:`, `id:`, "
    "`has-ai-task:`, `outdated:`, `dormant:`, `shared:`, `has_external_agent:`; a bare word is a name, or an owner and "
    "a name with a slash between them.",
    {"type": "string"},
    "owner:me",
)
LIMIT: Parameter = (
    "limit",
    f"How many at most; {LIMIT_DEFAULT} without it.",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
    50,
)
CONTINUE: Parameter = ("continue", "The `continue` of the previous page.", {"type": "string"}, "")
WHOLE_LIMIT: Parameter = (
    "limit",
    "How many at most; without it all, as far as they fit into one answer. The header Link names the request for those "
    "that follow.",
    {"type": "integer", "minimum": 0},
    50,
)
OFFSET: Parameter = ("offset", "How many to leave out at the beginning.", {"type": "integer", "minimum": 0}, 0)
FOLLOW: Parameter = ("follow", "Stay, over a websocket, until the build has ended.", {"type": "string"}, "")
AFTER: Parameter = ("after", "Only entries after the one of this id.", {"type": "integer", "minimum": 0}, 0)
TIMEOUT: Parameter = (
    "timeout_seconds",
    "Seconds after which the stream ends; without it, the stream has no time limit.",
    {"type": "integer", "minimum": 1, "maximum": 86_400},
    60,
)
IDEMPOTENCY_KEY: Parameter = (
    "Idempotency-Key",
    "A request that is repeated with the same key is carried out once.",
    {"type": "string", "maxLength": 200},
    "5f2d",
)
LAST_EVENT_ID: Parameter = ("Last-Event-ID", "Continue after this event.", {"type": "string"}, "4711.4702.1.3")

_FAULTS: Mapping[int, tuple[str, str]] = {
    400: ("The request is invalid, or Kubernetes refuses it.", "Validation failed."),
    401: ("The token is missing or not valid.", "The token is not valid."),
    403: ("The caller may see the Task, but not do that.", "Forbidden."),
    404: ("It does not exist, or the caller may not see it.", NOT_FOUND),
    408: ("The request's body did not arrive in time.", "The request's body did not arrive in time."),
    409: ("The Task's state does not allow it now.", "A workspace build is already active."),
    429: ("Too many requests; ask again later.", "Too many requests."),
    500: ("The stored data cannot be read.", "Internal error decoding task snapshot."),
    502: ("The agent did not answer, or not as expected.", "Failed to reach task app endpoint."),
    503: ("The Kubernetes API server gave no answer; ask again later.", "The Kubernetes API server gave no answer."),
}
# The errors of every route that requires a token.
_ALWAYS = (401, 429, 503)
_LINK = {
    "description": "What follows this answer, if anything does (RFC 8288).",
    "schema": {"type": "string"},
    "example": '</api/v2/tasks?offset=10000>; rel="next"',
}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}


def described(
    operation: str,
    summary: str,
    *faults: int,
    answer: type[BaseModel] | Any = None,
    status: int = 200,
    text: str = "",
    body: type[BaseModel] | None = None,
    parameters: Sequence[Parameter] = (),
    headers: Sequence[Parameter] = (),
    stream: str = "",
    events: Mapping[str, type[BaseModel]] | None = None,
    public: bool = False,
    also: Mapping[int, str] | None = None,
    links: bool = False,
) -> dict[str, Any]:
    """Options of a FastAPI route: its `operation` id, its response (`answer`, or `events` of which `stream` is an
    example; without either no body), its `faults` besides those of all routes, and its parameters and body. `links`: a
    header names the request for what follows the answer."""
    responses = {number: _fault(number) for number in sorted({*faults, *(() if public else _ALWAYS)})}
    for number, meaning in (also or {}).items():
        responses[number] = {"description": meaning, "model": answer}
    if links:
        responses[status] = {"headers": {"Link": _LINK}}
    extra: dict[str, Any] = {}
    if parameters or headers:
        extra["parameters"] = [_parameter("query", entry) for entry in parameters]
        extra["parameters"] += [_parameter("header", entry) for entry in headers]
    if body:
        extra["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(body)}}}
    if public:
        extra["security"] = []
    found: dict[str, Any] = {
        "operation_id": operation,
        "summary": summary,
        "description": text,
        "status_code": status,
        "responses": responses,
        "openapi_extra": extra,
    }
    if stream:
        kinds = [_event(name, model) for name, model in (events or {}).items()]
        content = {"text/event-stream": {"itemSchema": {"oneOf": kinds}, "example": stream}}
        responses[status] = {"description": "Server-sent events.", "content": content}
        return found | {"response_class": Response}
    if answer is None:
        return found | {"response_class": Response}
    return found | {"response_model": answer, "response_class": JSONResponse}


def faults() -> dict[str, Any]:
    """The error responses, by status: each is the same for every route."""
    return {str(status): _fault(status) for status in _FAULTS}


def _fault(status: int) -> dict[str, Any]:
    description, message = _FAULTS[status]
    schema = {"$ref": "#/components/schemas/Error"}
    found = {
        "description": description,
        "content": {"application/json": {"schema": schema, "example": {"message": message}}},
    }
    return found | ({"headers": _RETRY_AFTER} if status in (429, 503) else {})


def _event(name: str, model: type[BaseModel]) -> dict[str, Any]:
    data = {"type": "string", "contentMediaType": "application/json", "contentSchema": _schema(model)}
    properties = {"event": {"const": name}, "data": data, "id": {"type": "string"}, "retry": {"type": "integer"}}
    return {"type": "object", "required": ["event", "data"], "properties": properties}


def _parameter(place: str, parameter: Parameter) -> dict[str, Any]:
    name, description, schema, example = parameter
    return {"name": name, "in": place, "description": description, "schema": dict(schema), "example": example}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
