"""The OpenAPI document of the REST API.

FastAPI generates it from the routes. Added or corrected here: FastAPI's own error responses are removed (it validates
nothing, so no response is 422), and the tokens and an example of each response are added.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from taskyard import __version__
from taskyard.gateway.rest.openapi import options
from taskyard.gateway.rest.openapi.schemas.common import Error
from taskyard.gateway.rest.openapi.schemas.requests import CreateInput, CreateTask, Input
from taskyard.gateway.rest.openapi.schemas.task import Entry, Gone, Synced, Task
from taskyard.gateway.rest.openapi.schemas.workspace import WorkspaceBuild

# Schemas that the routes refer to without FastAPI's knowledge.
_NAMED: Sequence[type[BaseModel]] = (CreateTask, Input, CreateInput, Error, Task, WorkspaceBuild, Entry, Gone, Synced)
_REFERENCE = "#/components/schemas/{model}"
_DESCRIPTION = (
    "Tasks over HTTP. What is under `/api/v2` is compatible on the wire with the Coder Tasks API; what is under "
    "`/api/v1alpha1` goes beyond it.\n\n"
    "A token is a Kubernetes token; the API server authenticates and authorizes its user. An object that the caller "
    "may not see answers like one that does not exist.\n\n"
    "Each answer has the header `X-Request-Id`: that of the request, if it is a plain word of 8 to 64 characters, else "
    "a new UUID. The audit log has the request under this id."
)
_PATH_PARAMETERS: Mapping[str, tuple[str, str]] = {
    "user": ("A namespace by its name or UID, the user that its annotation names, or `me`.", "me"),
    "task": ("The Task's name, or its UID, for which `user` does not matter.", "fix-the-build-1a2b"),
    "organization": ("`default`, or the UID of the one organization.", "default"),
    "namespace": ("A namespace, by the same words as a user.", "team"),
    "name": ("The template's name, or its id; without a namespace it is looked for in that of `me` first.", "claude"),
    "template": ("The template's id, or its name in the namespace of `me`.", "claude"),
    "version": ("The template version's UID, or its name in the namespace of `me`.", "claude-v3"),
    "workspace": ("The Task's UID.", "8f0d5d5e-6e0b-4f0a-9a67-0a4b8d6a3c11"),
    "build": ("The build's id.", "b7e0c3a1-2f4d-5c6b-9a8e-1d2c3b4a5f60"),
}
_TOKENS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A Kubernetes token."},
    "session": {"type": "apiKey", "in": "header", "name": "Coder-Session-Token", "description": "The same token."},
}
_TEXTS = {"uuid": "00000000-0000-0000-0000-000000000000", "date-time": "2026-01-31T12:00:00Z"}
_METHODS = ("get", "post", "patch", "delete")


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document (3.1) of the application's routes."""
    found = get_openapi(
        title="Taskyard", version=__version__, description=_DESCRIPTION, routes=app.routes, openapi_version="3.1.0"
    )
    schemas: dict[str, Any] = found["components"]["schemas"]
    for model in _NAMED:
        schema = model.model_json_schema(ref_template=_REFERENCE, mode="serialization")
        for name, part in {**schema.pop("$defs", {}), model.__name__: schema}.items():
            if schemas.setdefault(name, part) != part:
                raise ValueError(f"two shapes are called {name}")
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    faults = options.faults()
    for operation in _operations(found):
        answers = operation["responses"]
        answers.pop("422", None)
        for status in faults.keys() & answers.keys():
            answers[status] = {"$ref": f"#/components/responses/{status}"}
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                parameter["description"], parameter["example"] = _PATH_PARAMETERS[parameter["name"]]
        for content in _contents(operation):
            content.setdefault("example", example(content["schema"], schemas))
    found["components"] = {
        "schemas": dict(sorted(schemas.items())),
        "responses": faults,
        "securitySchemes": _TOKENS,
    }
    found["security"] = [{name: []} for name in _TOKENS]
    return found


def example(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Any:
    """An example value of a schema, built from the examples of its parts."""
    if "$ref" in schema:
        return example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], schemas)
    if "enum" in schema or "const" in schema:
        return schema["enum"][0] if "enum" in schema else schema["const"]
    if schema.get("type") == "object":
        # Optional properties without an example are left out.
        shown = {
            name: part
            for name, part in schema.get("properties", {}).items()
            if name in schema.get("required", ()) or "examples" in part
        }
        return {name: example(part, schemas) for name, part in shown.items()}
    if schema.get("type") == "array":
        return [example(schema["items"], schemas)] if schema.get("items") else []
    text = _TEXTS.get(schema.get("format", ""), "")
    return {"integer": 0, "boolean": False, "string": text}.get(schema.get("type", ""))


def text(document: Mapping[str, Any]) -> str:
    """The document as it is written and served."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _operations(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path in found["paths"].values():
        for method in _METHODS:
            if method in path:
                yield path[method]


def _contents(operation: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of requests and responses that are JSON."""
    for part in (operation.get("requestBody", {}), *operation["responses"].values()):
        if "application/json" in part.get("content", {}):
            yield part["content"]["application/json"]
