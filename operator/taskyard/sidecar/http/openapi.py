"""The OpenAPI description of the AgentAPI routes, as far as a client needs it."""

from typing import Any

from taskyard import __version__

Json = dict[str, Any]
TEXT: Json = {"type": "string"}
OK: Json = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
MESSAGE: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "integer", "minimum": 0},
        "role": {"type": "string", "enum": ["user", "agent"]},
        "content": TEXT,
        "time": {"type": "string", "format": "date-time"},
    },
    "required": ["id", "role", "content", "time"],
}
STATUS: Json = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": ["running", "stable"]},
        "agent_type": TEXT,
        "transport": TEXT,
    },
    "required": ["status", "agent_type", "transport"],
}
REQUEST: Json = {
    "type": "object",
    "properties": {"content": TEXT, "type": {"type": "string", "enum": ["user", "control", "raw"], "default": "user"}},
    "required": ["content"],
    "additionalProperties": False,
}
FILE: Json = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}
PROBLEM: Json = {
    "type": "object",
    "properties": {
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "errors": {
            "type": "array",
            "items": {"type": "object", "properties": {"message": TEXT, "location": TEXT, "value": {}}},
        },
    },
    "required": ["title", "status", "detail"],
}


def document() -> Json:
    """OpenAPI 3.1."""
    messages: Json = {"type": "object", "properties": {"messages": {"type": "array", "items": MESSAGE}}}
    uploaded: Json = {"type": "object", "properties": {"ok": {"type": "boolean"}, "filePath": TEXT}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "AgentAPI, by Taskyard", "version": __version__},
        "security": [{"key": []}],
        "paths": {
            "/status": {"get": _operation("What the agent does: running or stable (waiting for input).", STATUS)},
            "/messages": {"get": _operation("The conversation; message 0 is the agent's greeting.", messages)},
            "/message": {
                "post": _operation(
                    "Sends a message or a command of the program while the agent is stable, or keystrokes at any time.",
                    OK,
                )
                | {
                    "parameters": [
                        {"name": "Idempotency-Key", "in": "header", "schema": TEXT},
                        {"name": "Taskyard-Input", "in": "header", "schema": TEXT},
                    ],
                    "requestBody": _content(REQUEST, "application/json") | {"required": True},
                }
            },
            "/upload": {
                "post": _operation("Puts a file of at most 10 MiB where the agent can read it.", uploaded)
                | {"requestBody": _content(FILE, "multipart/form-data") | {"required": True}}
            },
            "/events": {"get": _stream("message_update, status_change and agent_error, from the beginning on.")},
            "/internal/screen": {"get": _stream("screen: what a person would see in the agent's terminal.")},
            "/snapshot": {"post": _operation("Takes a snapshot of the conversation and stores it.", OK)},
        },
        "components": {
            "schemas": {"Problem": PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(summary: str, schema: Json) -> Json:
    problem = _content({"$ref": "#/components/schemas/Problem"}, "application/problem+json")
    return {
        "summary": summary,
        "responses": {
            "200": {"description": "Done.", **_content(schema, "application/json")},
            "default": {"description": "Not done.", **problem},
        },
    }


def _stream(summary: str) -> Json:
    return {
        "summary": summary,
        "responses": {"200": {"description": "Server-sent events.", **_content(TEXT, "text/event-stream")}},
    }


def _content(schema: Json, media_type: str) -> Json:
    return {"content": {media_type: {"schema": schema}}}
