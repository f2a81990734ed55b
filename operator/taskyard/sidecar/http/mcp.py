"""The Model Context Protocol as far as two tools need it: JSON-RPC requests in, responses out. Pure.

Implemented by hand, since the protocol's own library is larger than the rest of this process.
"""

import json
from collections.abc import Callable
from typing import Any

from taskyard import __version__
from taskyard.limits import MAX_OUTPUT_VALUE_BYTES, MAX_STATE_MESSAGE_BYTES
from taskyard.sidecar.conversation.reports import AgentReportError, State
from taskyard.sidecar.conversation.task_outputs import OutputError

# Newest first. What the two tools need is the same in all of them.
PROTOCOL_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
MAX_BATCH = 32

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602

INSTRUCTIONS = (
    "Report to the user of this task with report_task: `working` with what you are doing now whenever that changes, "
    "`complete` when the task is done, `failed` when it cannot be done, `idle` when you wait for the user. Publish "
    "results that others wait for, such as the URL of a pull request, with set_output."
)
TOOLS: list[dict[str, Any]] = [
    {
        "name": "report_task",
        "description": "Report the state of your work to the user. Complete and failed last until the next message.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "state": {"type": "string", "enum": list(State), "description": "What you are doing."},
                "summary": {
                    "type": "string",
                    "maxLength": MAX_STATE_MESSAGE_BYTES,
                    "description": f"One line about it, at most {MAX_STATE_MESSAGE_BYTES} characters.",
                },
                "link": {"type": "string", "description": "An http or https URL that goes with it, or nothing."},
            },
            "required": ["state", "summary"],
        },
    },
    {
        "name": "set_output",
        "description": "Set a named value of the task's outputs, for those who wait for its result.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "Letters, digits, '_', '.' and '-'."},
                "value": {"type": "string", "description": f"Text of at most {MAX_OUTPUT_VALUE_BYTES} bytes."},
            },
            "required": ["name", "value"],
        },
    },
]

Json = dict[str, Any]


class Server:
    """`report` (state, summary, link) and `set_output` (name, value) get the tools' arguments as they are, and raise
    AgentReportError and OutputError for invalid ones.
    """

    def __init__(
        self, report: Callable[[object, object, object], object], set_output: Callable[[object, object], object]
    ) -> None:
        self._report = report
        self._set_output = set_output

    def answer(self, body: bytes) -> Json | list[Json] | None:
        """The answer to one HTTP body, None when there is nothing to answer (notifications)."""
        try:
            value = json.loads(body.decode(errors="replace"))
        except (ValueError, RecursionError):
            return _error(None, PARSE_ERROR, "the body is not JSON")
        if not isinstance(value, list):
            return self._handle(value)
        if not 0 < len(value) <= MAX_BATCH:
            return _error(None, INVALID_REQUEST, f"a batch holds 1 to {MAX_BATCH} requests")
        return [answer for item in value if (answer := self._handle(item)) is not None] or None

    def _handle(self, request: object) -> Json | None:
        if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
            return _error(None, INVALID_REQUEST, "not a JSON-RPC 2.0 request")
        method, number = request.get("method"), request.get("id")
        if method is None and ("result" in request or "error" in request):
            return None  # a response, though this server sends no requests
        if not isinstance(method, str) or isinstance(number, (bool, list, dict, float)):
            return _error(None, INVALID_REQUEST, "a request has a method and an id that is a string or a number")
        if number is None:
            return None  # a notification
        parameters = request.get("params", {})
        if not isinstance(parameters, dict):
            return _error(number, INVALID_PARAMS, "params must be an object")
        if method == "initialize":
            return _result(number, _initialize(parameters))
        if method == "ping":
            return _result(number, {})
        if method == "tools/list":
            return _result(number, {"tools": TOOLS})
        if method == "tools/call":
            return self._call(number, parameters)
        return _error(number, METHOD_NOT_FOUND, "no such method")

    def _call(self, number: object, parameters: Json) -> Json:
        given = parameters.get("arguments")
        arguments = given if isinstance(given, dict) else {}
        try:
            if parameters.get("name") == "report_task":
                self._report(arguments.get("state"), arguments.get("summary"), arguments.get("link", ""))
            elif parameters.get("name") == "set_output":
                self._set_output(arguments.get("name"), arguments.get("value"))
            else:
                return _error(number, INVALID_PARAMS, "no such tool; there are report_task and set_output")
        except (AgentReportError, OutputError) as error:
            # Not a protocol error: the model should read it and correct its call.
            return _result(number, _content(str(error), failed=True))
        return _result(number, _content("ok"))


def _initialize(parameters: Json) -> Json:
    asked = parameters.get("protocolVersion")
    return {
        "protocolVersion": asked if asked in PROTOCOL_VERSIONS else PROTOCOL_VERSIONS[0],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "taskyard", "version": __version__},
        "instructions": INSTRUCTIONS,
    }


def _content(text: str, *, failed: bool = False) -> Json:
    return {"content": [{"type": "text", "text": text}], "isError": failed}


def _result(number: object, result: Json) -> Json:
    return {"jsonrpc": "2.0", "id": number, "result": result}


def _error(number: object, code: int, message: str) -> Json:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message}}
