"""Status reports of an agent: their validation, and their changes to a Task's status."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from taskyard.api.vocabulary import State
from taskyard.core import input_required
from taskyard.core.text_sanitizer import CONTROLS, one_line, sanitize_message
from taskyard.core.times import micro, rfc3339
from taskyard.gateway.http.errors import HttpError
from taskyard.limits import (
    MAX_LINK_CHARACTERS,
    MAX_OPTION_CHARACTERS,
    MAX_QUESTION_CHARACTERS,
    MAX_QUESTION_ID_CHARACTERS,
    MAX_QUESTION_OPTIONS,
    MAX_STARTING_CHARACTERS,
    MAX_STATE_MESSAGE_BYTES,
)

APP_SLUG = "taskyard"

_STATES = {"working": State.WORKING, "idle": State.IDLE, "complete": State.COMPLETE, "failure": State.FAILED}


class Option(BaseModel):
    """One of the answers that an agent accepts."""

    id: Annotated[str, Field(max_length=MAX_OPTION_CHARACTERS)]
    name: Annotated[str, Field(max_length=MAX_OPTION_CHARACTERS)]


class Question(BaseModel):
    """A question that an agent asks people before it continues. Without options it takes any text, and `text` says who
    waits for it, such as "python3 waits for input"; without an id it takes keystrokes alone."""

    id: Annotated[str | None, Field(pattern=rf"^[a-z0-9-]{{1,{MAX_QUESTION_ID_CHARACTERS}}}$")] = None
    text: Annotated[str, Field(max_length=MAX_QUESTION_CHARACTERS)]
    options: Annotated[list[Option], Field(max_length=MAX_QUESTION_OPTIONS)] = []


class Starting(BaseModel):
    """What keeps the first prompt from the agent. `reason` is NotReading once the time for that is over, else empty;
    `message` is one line that says what is waited for."""

    reason: Annotated[str, Field(pattern=r"^[A-Za-z]{0,63}$")] = ""
    message: Annotated[str, Field(max_length=MAX_STARTING_CHARACTERS)] = ""


class Report(BaseModel):
    """The body of `PATCH …/app-status`. `prompt_sha256` is that of the last prompt typed. A `question` of null means
    that no question is open, a `starting` of null that nothing keeps the first prompt from the agent; without the
    field, what is known stays.
    """

    app_slug: str = ""
    message: str = ""
    uri: Annotated[str, Field(max_length=MAX_LINK_CHARACTERS)] = ""
    state: str = ""
    prompt_sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")] = None
    question: Question | None = None
    starting: Starting | None = None


def check(report: Report) -> None:
    """Raise HttpError 400 for an invalid report."""
    if len(report.message.encode("utf-8", "replace")) > MAX_STATE_MESSAGE_BYTES:
        raise HttpError(400, "Message is too long.", detail=f"Message must be at most {MAX_STATE_MESSAGE_BYTES} bytes.")
    if report.state not in _STATES:
        raise HttpError(400, "Invalid state provided.", detail=f"Use one of {', '.join(_STATES)}.")
    if report.app_slug != APP_SLUG:
        raise HttpError(
            400, "Failed to get workspace app.", detail=f'No app found with slug "{printable(report.app_slug)}"'
        )


def status_change(report: Report, *, status: Mapping[str, Any], build: int, now: datetime) -> dict[str, Any]:
    """What to merge into the Task's status; empty if only the time would change."""
    state = {
        "state": _STATES[report.state],
        "message": sanitize_message(report.message),
        "uri": printable(report.uri),
        "build": build,
    }
    change: dict[str, Any] = {}
    known = status.get("state") or {}
    if {**state, "timestamp": known.get("timestamp")} != {"message": "", "uri": "", **known}:
        change["state"] = {**state, "timestamp": micro(now)}
    if report.prompt_sha256 and report.prompt_sha256 != status.get("promptSHA256"):
        change["promptSHA256"] = report.prompt_sha256
    if "question" in report.model_fields_set:
        conditions = input_required.with_question(
            status.get("conditions") or [],
            asked=asked(report.question) if report.question else None,
            generation=status.get("observedGeneration") or 0,
            now=rfc3339(now),
            reason=input_required.ASKED if report.question and report.question.options else input_required.WAITS,
        )
        if conditions is not None:
            change["conditions"] = conditions
    if "starting" in report.model_fields_set:
        wanted = held_up_by(report.starting) if report.starting else None
        if wanted != (status.get("workspace") or {}).get("starting"):
            change["workspace"] = {"starting": wanted}
    return change


def held_up_by(found: Starting) -> dict[str, str]:
    """What keeps the first prompt from the agent, as it is in the status."""
    return {"reason": found.reason, "message": printable(found.message)}


def asked(found: Question) -> str:
    """A question as the message of the condition."""
    names = [printable(option.name) or printable(option.id) for option in found.options]
    return input_required.message(question=found.id, text=printable(found.text), options=names)


def printable(text: str) -> str:
    """The text in one line, without control characters."""
    return one_line(CONTROLS.sub("", text))
