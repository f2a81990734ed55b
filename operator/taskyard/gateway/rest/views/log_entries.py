"""Messages of a conversation as entries of the log. Pure.

They are a sidecar's words: each is shortened to what one entry may have.
"""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec

from taskyard.gateway.http.list_answers import text_bytes
from taskyard.limits import CUT_NOTE

# The end of a longer message is shown, as in a snapshot.
MESSAGE_CHARACTERS = 262_144

_TYPES = {"user": "input", "agent": "output"}
_TIME_CHARACTERS = 64
_MAX_ID = 10**9
# Halves of surrogate pairs, which are no text, among the escapes of JSON. Of a longer document they are not removed:
# that takes time.
_HALVES = re.compile(
    rb"((?:[^\\]++|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u(?![dD][89a-fA-F])|\\[^u])++)|\\u[dD]...", re.DOTALL
)
_MENDED_BYTES = 262_144


class Message(msgspec.Struct, gc=False):
    """A message of the AgentAPI contract. Its text is not read before it is shown: as characters it may take four times
    the memory."""

    id: Annotated[int, msgspec.Meta(ge=0, lt=_MAX_ID)]
    role: Literal["user", "agent"]
    content: msgspec.Raw = msgspec.Raw(b'""')
    time: msgspec.Raw = msgspec.Raw(b'""')

    def entry(self) -> dict[str, Any]:
        """The message as an entry of a log."""
        return _entry(self.id, self.role, _text(self.content), _text(self.time))

    def size(self) -> int:
        """About the bytes of the entry."""
        return 100 + min(memoryview(self.content).nbytes, 6 * MESSAGE_CHARACTERS)


class _Document(msgspec.Struct):
    messages: list[Message]


_documents = msgspec.json.Decoder(_Document)


def messages_of(document: bytes) -> list[Message] | None:
    """The messages of a sidecar's answer, which refer to its bytes; None when they are malformed or have an unknown
    role."""
    for text in (document, *_mended(document)):
        try:
            return _documents.decode(text).messages
        except (msgspec.MsgspecError, RecursionError):
            continue
    return None


def log_entries(messages: object) -> list[dict[str, Any]] | None:
    """Messages of the AgentAPI contract as entries of a log; None when they are malformed or have an unknown role."""
    if not isinstance(messages, list):
        return None
    entries = []
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("id"), int):
            return None
        number, role = message["id"], message.get("role")
        if not isinstance(role, str) or role not in _TYPES or not 0 <= number < _MAX_ID:
            return None
        entries.append(_entry(number, role, str(message.get("content", "")), str(message.get("time", ""))))
    return entries


def entry_size(entry: dict[str, Any]) -> int:
    """About the bytes of an entry."""
    return 100 + text_bytes(entry["content"])


def is_cut(entry: dict[str, Any]) -> bool:
    """Whether the entry's message was longer."""
    return bool(entry["content"].startswith(CUT_NOTE))


def sendable(text: str) -> str:
    """The text with lone surrogates replaced: JSON can contain them, but UTF-8 cannot encode them."""
    return text.encode("utf-8", "replace").decode()


def _entry(number: int, role: str, content: str, time: str) -> dict[str, Any]:
    if len(content) > MESSAGE_CHARACTERS:
        content = CUT_NOTE + content[-MESSAGE_CHARACTERS:]
    return {
        "id": number,
        "content": sendable(content),
        "type": _TYPES[role],
        "time": sendable(time[:_TIME_CHARACTERS]),
    }


def _text(raw: msgspec.Raw) -> str:
    try:
        return str(json.loads(bytes(raw).decode(errors="replace"), strict=False))
    except (ValueError, RecursionError):
        return ""


def _mended(document: bytes) -> Iterator[bytes]:
    """The document without halves of surrogate pairs, which JSON can contain; nothing for one that is too long."""
    if len(document) <= _MENDED_BYTES:
        yield _HALVES.sub(rb"\1", document)
