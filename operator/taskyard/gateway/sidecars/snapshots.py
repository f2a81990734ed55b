"""Snapshots of a conversation: from the sidecar's request to the ConfigMap that stores them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from taskyard.core import names
from taskyard.core.text_sanitizer import printable_text, visible_controls, whole
from taskyard.core.times import rfc3339
from taskyard.gateway.sidecars.objects import Task
from taskyard.limits import CUT_NOTE, MAX_SNAPSHOT_BYTES


class Message(BaseModel):
    """One message of the AgentAPI contract; `time` is RFC 3339."""

    id: int
    content: str
    role: Literal["user", "agent"]
    time: str = ""


class Payload(BaseModel):
    """The body of `POST …/log-snapshot`. `truncated`: the sidecar has already left out older text."""

    messages: list[Message]
    truncated: bool = False


@dataclass(frozen=True)
class Snapshot:
    """A conversation ready to store: `document` is `snapshot.json` (at most 65,536 bytes), `log` the same as text."""

    document: str
    log: str
    messages: int
    truncated: bool

    @property
    def size(self) -> int:
        """Size of `snapshot.json` in bytes."""
        return len(self.document.encode())


def snapshot_of(payload: Payload) -> Snapshot:
    """The newest messages that fit; the oldest are dropped first, and a single message that is too large keeps its
    end."""
    messages = [
        message.model_copy(update={"content": whole(message.content), "time": whole(message.time)})
        for message in payload.messages
    ]
    kept = _newest_that_fit(messages)
    truncated = payload.truncated or kept != messages
    return Snapshot(
        document=_document(kept), log=_log(kept, truncated=truncated), messages=len(kept), truncated=truncated
    )


def config_map(snapshot: Snapshot, *, task: Task) -> dict[str, Any]:
    """The ConfigMap `<task>-snapshot`, owned by the Task."""
    template = task.status.get("template")
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": names.snapshot_name(task.name),
            "namespace": task.namespace,
            "labels": names.labels(task=task.name, template=template, template_version=task.template_version),
            "ownerReferences": [names.owner_reference(name=task.name, uid=task.uid)],
        },
        "data": {"snapshot.json": snapshot.document, "log.txt": snapshot.log},
    }


def continues(snapshot: Snapshot, stored: Mapping[str, Any], *, task: str) -> bool:
    """Whether a ConfigMap that nobody owns holds an earlier state of the same conversation: one that was restored, or
    left behind, with the home that the conversation comes from. Nobody loses anything when it is replaced: the newest
    message of a user, which does not grow any more, is in the home too. Nobody reads in it what is not in the home.
    """
    metadata = stored["metadata"]
    if metadata.get("ownerReferences") or (metadata.get("labels") or {}).get(names.TASK_LABEL) != task:
        return False
    before = _messages_in((stored.get("data") or {}).get("snapshot.json", ""))
    after = set(_messages_in(snapshot.document))
    newest = [message for message in before if message[1] == "user"][-1:]
    return not after.isdisjoint(before) and after.issuperset(newest)


def _messages_in(document: str) -> list[tuple[int, str, str, str]]:
    """What a stored document holds, oldest first; nothing if it is none."""
    try:
        payload = Payload.model_validate(json.loads(document)["data"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [(message.id, message.role, message.time, message.content) for message in payload.messages]


def task_snapshot(snapshot: Snapshot, *, task: str, now: datetime) -> dict[str, Any]:
    """The snapshot's description for `status.snapshot` of the Task."""
    return {
        "configMap": names.snapshot_name(task),
        "takenAt": rfc3339(now),
        "messages": snapshot.messages,
        "bytes": snapshot.size,
        "truncated": snapshot.truncated,
    }


def _document(messages: Sequence[Message]) -> str:
    return _json({"format": "agentapi", "data": {"messages": [message.model_dump() for message in messages]}})


def _newest_that_fit(messages: Sequence[Message]) -> list[Message]:
    room = MAX_SNAPSHOT_BYTES - len(_document(()).encode())
    kept: list[Message] = []
    for message in reversed(messages):
        size = len(_json(message.model_dump()).encode()) + (1 if kept else 0)
        if size > room:
            if not kept:
                kept.append(_end_of(message, room))
            break
        kept.append(message)
        room -= size
    return kept[::-1]


def _end_of(message: Message, room: int) -> Message:
    """The message with as much of its end as fits into `room` bytes of JSON, preceded by a note."""
    low, high = 0, len(message.content)
    while low < high:
        length = (low + high + 1) // 2
        if len(_json(_with_end(message, length).model_dump()).encode()) <= room:
            low = length
        else:
            high = length - 1
    return _with_end(message, low)


def _with_end(message: Message, length: int) -> Message:
    return message.model_copy(update={"content": CUT_NOTE + message.content[len(message.content) - length :]})


def _log(messages: Sequence[Message], *, truncated: bool) -> str:
    head = "(Older text was left out.)\n\n" if truncated else ""
    return head + "\n".join(
        f"{message.role}{f' {message.time}' if message.time else ''}\n{_shown(message)}\n" for message in messages
    )


def _shown(message: Message) -> str:
    """The content as text for a person's terminal: an agent's colours go, a user's control characters are shown."""
    shown = printable_text(message.content) if message.role == "agent" else visible_controls(message.content)
    return shown.rstrip("\n")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
