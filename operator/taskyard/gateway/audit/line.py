"""One line of the audit log."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from taskyard.core import times

# The first member of each line: what kind of line it is, and the version of its schema.
KIND: Final = "taskyard.dev/v1"
# With its line feed. A pipe takes that many bytes as a whole (PIPE_BUF), whoever else writes to it.
MAX_LINE_BYTES = 4096

# Bytes of a text in a line, with its escapes.
_USER, _UID, _GROUP, _ALL_GROUPS = 512, 128, 256, 1280
_ADDRESS, _FORWARDED, _NAME, _REASON = 64, 256, 128, 256
_CUT = "..."
_CLIENT_ERROR, _SERVER_ERROR, _CLIENT_LEFT = 400, 500, 499


class Verb(StrEnum):
    """What somebody did, or wanted to do."""

    CREATE = "create"
    DELETE = "delete"
    PAUSE = "pause"
    RESUME = "resume"
    CHANGE_PROMPT = "change-prompt"
    SEND = "send"
    QUEUE_INPUT = "queue-input"
    ANSWER = "answer"
    READ_LOG = "read-log"
    READ_INPUTS = "read-inputs"
    FOLLOW = "follow"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Who(_Part):
    """The user, as the API server's review of the token identifies them."""

    user: Annotated[str, Field(examples=["jane"])]
    uid: Annotated[str, Field(description="Empty where the API server knows none.", examples=[""])]
    groups: Annotated[list[str], Field(description="The first of them, as far as they fit.", examples=[["dev"]])]
    groups_left_out: Annotated[int, Field(ge=0, description="How many more groups the user has.", examples=[0])]


class From(_Part):
    """Where the request came from, as far as the gateway knows."""

    address: Annotated[
        str | None, Field(description="The other end of the connection: often a proxy.", examples=["10.0.3.7"])
    ]
    forwarded_for: Annotated[
        str | None,
        Field(
            description="The header X-Forwarded-For as it was given: anybody may write anything into it.",
            examples=["203.0.113.9"],
        ),
    ]


class OfTask(_Part):
    """The Task. Of one that was not found, what the request named, if it can be a name."""

    namespace: Annotated[str | None, Field(examples=["team"])]
    name: Annotated[str | None, Field(examples=["fix-the-build"])]
    uid: Annotated[str | None, Field(examples=["8f0d5d5e-6e0b-4f0a-9a67-0a4b8d6a3c11"])]


class Text(_Part):
    """A prompt or a message: never itself."""

    bytes: Annotated[int, Field(ge=0, description="The length of its UTF-8.", examples=[13])]
    sha256: Annotated[
        str,
        Field(
            pattern="^[0-9a-f]{64}$",
            description="The SHA-256 of its UTF-8.",
            examples=["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
        ),
    ]

    @classmethod
    def of(cls, text: str) -> "Text":
        """What is told about a text; half a pair of surrogates counts as the three bytes that it would have."""
        encoded = text.encode(errors="surrogatepass")
        return cls(bytes=len(encoded), sha256=hashlib.sha256(encoded).hexdigest())


class Line(_Part):
    """A line of the gateway's audit log. Every member is in every line."""

    model_config = ConfigDict(title="A line of Taskyard's audit log", serialize_by_alias=True, validate_by_name=True)

    audit: Annotated[Literal["taskyard.dev/v1"], Field(description="The kind of line, and the version of its schema.")]
    time: Annotated[
        str,
        Field(
            pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
            description="When the answer began (RFC 3339, UTC).",
            examples=["2026-01-31T12:00:00.000Z"],
        ),
    ]
    request: Annotated[
        str,
        Field(
            description="The id of the request: its header X-Request-Id, or one that the gateway made. It is in the "
            "answer's header of that name and, for a write, the auditID in the API server's audit log.",
            pattern="^[A-Za-z0-9._-]{8,64}$",
            examples=["5f2d1c04-6f0e-4a57-8c36-7a2d9f6f1e55"],
        ),
    ]
    who: Annotated[Who | None, Field(description="null without a valid token.")]
    from_: Annotated[From, Field(alias="from")]
    verb: Verb
    task: OfTask
    outcome: Annotated[
        Literal["allowed", "refused", "failed"],
        Field(description="`refused` for a status from 400 to 498; `failed` for any above."),
    ]
    status: Annotated[
        int,
        Field(ge=100, le=599, description="The HTTP status; 499: the client left before the answer.", examples=[204]),
    ]
    reason: Annotated[
        str | None, Field(description="Why it was refused or failed; null for `allowed`.", examples=[None])
    ]
    text: Annotated[Text | None, Field(description="The prompt or the message, where the request has one.")]
    input: Annotated[str | None, Field(description="The name of the TaskInput that was made.", examples=[None])]
    left_out: Annotated[
        int,
        Field(
            ge=0,
            description="How many lines this gateway left out since the one before: of requests without a valid "
            "token, and of those that came too often.",
            examples=[0],
        ),
    ]


def outcome(status: int) -> Literal["allowed", "refused", "failed"]:
    """What an HTTP status says about an act."""
    if status < _CLIENT_ERROR:
        return "allowed"
    return "refused" if status < _CLIENT_LEFT else "failed"


def moment(now: datetime) -> str:
    """A moment (UTC) as lines have it."""
    return times.milli(now)


def who(user: str, uid: str, groups: Sequence[str]) -> Who:
    """A user, with as many groups as fit into a line."""
    shown: list[str] = []
    room = _ALL_GROUPS
    for group in groups:
        fits = shortened(group, _GROUP)
        # With two quotes and a comma.
        room -= _size(fits) + 3
        if room < 0:
            break
        shown.append(fits)
    return Who(
        user=shortened(user, _USER), uid=shortened(uid, _UID), groups=shown, groups_left_out=len(groups) - len(shown)
    )


def source(address: str | None, forwarded_for: str | None) -> From:
    """Where a request came from."""
    return From(
        address=address and shortened(address, _ADDRESS),
        forwarded_for=forwarded_for and shortened(forwarded_for, _FORWARDED),
    )


def of_task(namespace: str | None, name: str | None, uid: str | None) -> OfTask:
    """The Task of a line."""
    shown = [text and shortened(text, _NAME) for text in (namespace, name, uid)]
    return OfTask(namespace=shown[0] or None, name=shown[1] or None, uid=shown[2] or None)


def reason(text: str) -> str:
    """The cause of a refusal."""
    return shortened(text, _REASON)


def encoded(line: Line) -> bytes:
    """A line as it is written: JSON in ASCII, so that no terminal takes a part of it for a command."""
    return json.dumps(line.model_dump(mode="json"), separators=(",", ":")).encode() + b"\n"


def shortened(text: str, most: int) -> str:
    """The text if it takes at most `most` bytes in a line; else its beginning, with three dots."""
    if _size(text) <= most:
        return text
    room, kept = most - len(_CUT), 0
    for character in text[:most]:
        room -= _size(character)
        if room < 0:
            break
        kept += 1
    return text[:kept] + _CUT


def _size(text: str) -> int:
    """The bytes of a text in JSON, without the quotes."""
    return len(json.dumps(text)) - 2
