"""Cuts the conversation to the size of a snapshot. Pure."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from taskyard.limits import CUT_NOTE, MAX_SNAPSHOT_BYTES
from taskyard.sidecar.conversation.conversation import Conversation, Message, Role

# The gateway keeps the body inside {"format":"agentapi","data":…}, which has to stay within the limit as a whole.
MAX_BODY_BYTES = MAX_SNAPSHOT_BYTES - 64


class Snapshot(NamedTuple):
    body: bytes
    messages: int
    truncated: bool


def of(conversation: Conversation) -> Snapshot:
    """The conversation as it is now."""
    return take(conversation.messages)


def take(messages: Sequence[Message], limit: int = MAX_BODY_BYTES) -> Snapshot:
    """The newest messages that fit into `limit` bytes of JSON, oldest first, as `{"messages": […]}`.

    If the newest message alone is too large, only its end is kept, after a note. `"truncated": true` means that
    something is missing, also where older messages are not known any more, or one was cut
    when it was read (it begins with CUT_NOTE).
    """
    whole = [_encode(message.shown()) for message in messages]
    cut = any(
        (message.role is Role.AGENT and message.content.startswith(CUT_NOTE)) or message.id > index
        for index, message in enumerate(messages)
    )
    body = _body(whole, truncated=cut)
    if len(body) <= limit:
        return Snapshot(body, len(whole), truncated=cut)
    room = limit - len(_body([], truncated=True))
    kept: list[bytes] = []
    for encoded in reversed(whole):
        needed = len(encoded) + (1 if kept else 0)
        if needed > room:
            break
        room -= needed
        kept.insert(0, encoded)
    if not kept and messages:
        kept = [_tail(messages[-1], room)]
    return Snapshot(_body(kept, truncated=True), len(kept), truncated=True)


def _tail(message: Message, room: int) -> bytes:
    """The message with as many of its last characters as fit into `room` bytes, found by halving."""
    shown = message.shown()
    content = message.content
    low, high = 0, len(content)
    while low < high:
        middle = (low + high + 1) // 2
        if len(_encode(shown | {"content": CUT_NOTE + content[len(content) - middle :]})) <= room:
            low = middle
        else:
            high = middle - 1
    return _encode(shown | {"content": CUT_NOTE + content[len(content) - low :]})


def _body(encoded: Sequence[bytes], *, truncated: bool) -> bytes:
    return b'{"messages":[' + b",".join(encoded) + b"]" + (b',"truncated":true' if truncated else b"") + b"}"


def _encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
