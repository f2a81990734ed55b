"""The Agent Client Protocol, version 1, as far as the sidecar speaks it: JSON-RPC 2.0, one message a line. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taskyard.core.text_sanitizer import one_line, whole
from taskyard.limits import MAX_OPTION_CHARACTERS, MAX_QUESTION_CHARACTERS, MAX_QUESTION_OPTIONS

VERSION = 1
MAX_LINE_BYTES = 8 << 20
MAX_ANSWER_CHARACTERS = 1 << 18
# Of a tool call; it can be the text of a question.
MAX_TITLE_CHARACTERS = MAX_QUESTION_CHARACTERS
CUT = "[… earlier text left out …]\n"
METHOD_NOT_FOUND = -32601

Json = dict[str, Any]


class Lines:
    """Splits a stream of bytes into lines of JSON; a line that is not an object, or is too long, becomes None."""

    def __init__(self, *, skip_first: bool = False) -> None:
        self._rest = bytearray()
        self._skip = skip_first

    def feed(self, data: bytes) -> list[tuple[int, Json | None]]:
        """For each line that `data` completes: the offset of its end in `data`, in bytes, and the object."""
        found: list[tuple[int, Json | None]] = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            line = bytes(self._rest) + data[start:end]
            self._rest.clear()
            skipped, self._skip = self._skip, False
            found.append((end + 1, None if skipped else _parse(line)))
            start = end + 1
        self._rest += data[start:]
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest.clear()
            self._skip = True
        return found


def _parse(line: bytes) -> Json | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _encode(message: Json) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def request(number: int, method: str, params: Json) -> bytes:
    return _encode({"id": number, "method": method, "params": params})


def notification(method: str, params: Json) -> bytes:
    return _encode({"method": method, "params": params})


def response(request_id: Any, result: Any) -> bytes:
    return _encode({"id": request_id, "result": result})


def unknown_method(request_id: Any, method: str) -> bytes:
    error = {"code": METHOD_NOT_FOUND, "message": f"this client does not offer {method}"}
    return _encode({"id": request_id, "error": error})


def initialize(version: str) -> Json:
    """The agent works on its own disk and starts its own processes: no files and no terminals are offered to it."""
    return {
        "protocolVersion": VERSION,
        "clientCapabilities": {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False},
        "clientInfo": {"name": "taskyard", "title": "Taskyard", "version": version},
    }


@dataclass(frozen=True)
class Abilities:
    """What an agent says it supports: to continue a session without or with replaying it, and MCP over HTTP."""

    resume: bool
    load: bool
    http_mcp: bool

    @classmethod
    def of(cls, initialized: object) -> "Abilities":
        offered = _dict(_dict(initialized).get("agentCapabilities"))
        return cls(
            resume="resume" in _dict(offered.get("sessionCapabilities")),
            load=offered.get("loadSession") is True,
            http_mcp=_dict(offered.get("mcpCapabilities")).get("http") is True,
        )


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def error_text(error: object) -> str:
    """A JSON-RPC error in one line."""
    body = _dict(error)
    details = _dict(body.get("data"))
    more = _text(details.get("details")) or _text(details.get("message")) or _text(body.get("data"))
    text = _text(body.get("message")) or "error"
    return one_line(f"{text}: {more}" if more else text)


# Permissions.


@dataclass(frozen=True)
class Option:
    id: str
    name: str
    kind: str


@dataclass(frozen=True)
class Question:
    """A permission that the agent asks for. `id` names it for people, `request_id` for the agent."""

    id: str
    text: str
    options: tuple[Option, ...]
    request_id: Any = field(hash=False)

    def body(self) -> Json:
        options = [
            {"id": option.id[:MAX_OPTION_CHARACTERS], "name": option.name[:MAX_OPTION_CHARACTERS]}
            for option in self.options[:MAX_QUESTION_OPTIONS]
        ]
        return {"id": self.id, "text": self.text, "options": options}

    def shown(self) -> str:
        choices = ", ".join(option.name for option in self.options)
        return f"[permission? {self.text} ({choices})]"


def question(instance: str, message: Json) -> Question:
    """The question in a `session/request_permission`. Its id is unique, and the same each time it is read."""
    params = _dict(message.get("params"))
    call = _dict(params.get("toolCall"))
    number = hashlib.sha256(f"{instance} {json.dumps(message.get('id'))}".encode()).hexdigest()[:12]
    given = params.get("options")
    options = tuple(
        Option(_text(option.get("optionId")), _text(option.get("name")), _text(option.get("kind")))
        for option in (given if isinstance(given, list) else [])
        if isinstance(option, dict) and _text(option.get("optionId"))
    )
    return Question(f"q-{number}", title(call) or "to use a tool", options, message.get("id"))


ALLOW, REJECT = ("allow_once", "allow_always"), ("reject_once", "reject_always")
YES, NO = {"yes", "y", "allow", "approve"}, {"no", "n", "deny", "reject"}


def by_kind(options: Sequence[Option], kinds: Sequence[str]) -> Option | None:
    """The first option of the first of these kinds that is offered."""
    return next((option for kind in kinds for option in options if option.kind == kind), None)


def chosen(options: Sequence[Option], answer: str) -> Option | None:
    """The option that a person means: its id, its name, or yes or no."""
    answer = " ".join(answer.split())
    for option in options:
        if answer == option.id or answer.casefold() == " ".join(option.name.split()).casefold():
            return option
    word = answer.casefold().rstrip(".!")
    if word in YES:
        return by_kind(options, ALLOW)
    return by_kind(options, REJECT) if word in NO else None


def outcome(option: Option | None) -> Json:
    """The result of a permission request; without an option it is cancelled."""
    if option is None:
        return {"outcome": {"outcome": "cancelled"}}
    return {"outcome": {"outcome": "selected", "optionId": option.id}}


# The agent's updates.


def title(call: Mapping[str, Any]) -> str:
    return one_line(_text(call.get("title")))[:MAX_TITLE_CHARACTERS]


MARKS = {"pending": "…", "in_progress": "…", "completed": "✓", "failed": "✗"}
STEPS = {"pending": "[ ]", "in_progress": "[>]", "completed": "[x]"}


class Answer:
    """The agent's answer in one turn as text: what it says, and a line for each tool that it uses and each plan."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._prose = False
        self._calls: dict[str, tuple[int, str, str]] = {}
        self._plan: int | None = None
        self._size = 0
        self._cut = False

    def text(self) -> str:
        # An agent may cut its answer within a character of UTF-16.
        text = whole("\n".join(part.strip("\n") for part in self._parts if part.strip("\n")).rstrip())
        if len(text) > MAX_ANSWER_CHARACTERS:
            self._cut = True
            text = text[-MAX_ANSWER_CHARACTERS:]
        return CUT + text if self._cut else text

    def line(self, text: str) -> int:
        """Adds a separate line; returns its index."""
        self._prose = False
        self._parts.append(text)
        self._bound(len(text))
        return len(self._parts) - 1

    def update(self, update: object) -> bool:
        """Takes a `session/update`; True when it is part of the answer."""
        body = _dict(update)
        match body.get("sessionUpdate"):
            case "agent_message_chunk":
                self._say(_content(body.get("content")))
            case "tool_call" | "tool_call_update":
                self._tool(body)
            case "plan":
                self._show_plan(body.get("entries"))
            case _:
                return False
        return True

    def _say(self, text: str) -> None:
        if self._prose:
            self._parts[-1] += text
        else:
            self._parts.append(text)
        self._prose = True
        self._bound(len(text))

    def _tool(self, body: Mapping[str, Any]) -> None:
        call_id = _text(body.get("toolCallId"))
        place, name, status = self._calls.get(call_id, (None, "", ""))
        name = title(body) or name or "tool"
        status = _text(body.get("status")) or status or "pending"
        shown = f"{MARKS.get(status, '…')} {name}"
        if place is None:
            place = self.line(shown)
        elif place >= 0:
            self._parts[place] = shown
        self._calls[call_id] = (place, name, status)

    def _show_plan(self, entries: object) -> None:
        lines = [
            f"{STEPS.get(_text(entry.get('status')), '[ ]')} {one_line(_text(entry.get('content')))}"
            for entry in (entries if isinstance(entries, list) else [])
            if isinstance(entry, dict)
        ]
        text = "\n".join(["Plan:", *lines]) if lines else ""
        if self._plan is None or self._plan < 0:
            self._plan = self.line(text)
        else:
            self._parts[self._plan] = text

    def _bound(self, more: int) -> None:
        """Drops the beginning of an answer that is much too long, and with it the positions of its tools and plan."""
        self._size += more
        if self._size <= 2 * MAX_ANSWER_CHARACTERS:
            return
        self._parts = ["\n".join(self._parts)[-MAX_ANSWER_CHARACTERS:]]
        self._size = len(self._parts[0])
        self._cut = True
        self._prose = False
        self._calls = {key: (-1, name, status) for key, (_, name, status) in self._calls.items()}
        self._plan = None


def _content(value: object) -> str:
    block = _dict(value)
    match block.get("type"):
        case "text":
            return _text(block.get("text"))
        case "resource_link":
            return _text(block.get("uri"))
        case kind:
            return f"[{kind}]" if isinstance(kind, str) else ""
