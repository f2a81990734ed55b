"""Reads a conversation and a table of kubectl's output for the demo. Pure."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """One message of a conversation, as the sidecar writes it to its standard output."""

    id: int
    role: str
    content: str


def messages(log: str) -> list[Message]:
    """The conversation in a sidecar's log, in order of ids; when a message was written twice, the later one is used."""
    found: dict[int, Message] = {}
    for line in conversation_lines(log):
        value = json.loads(line)
        found[value["id"]] = Message(value["id"], value["role"], value["content"])
    return [found[number] for number in sorted(found)]


def conversation_lines(log: str) -> list[str]:
    """The lines of a sidecar's log that are messages, unchanged: what ``grep '"role"'`` prints."""
    return [line for line in log.splitlines() if _is_message(line)]


def answer_to(asked: str, conversation: Sequence[Message]) -> str | None:
    """The agent's answer to the newest message ``asked``; None while there is none, or it is empty."""
    for number in range(len(conversation) - 1, -1, -1):
        message = conversation[number]
        if message.role == "user" and message.content.strip() == asked.strip():
            said = _until_next_user(conversation[number + 1 :])
            return "\n".join(said) or None
    return None


def _until_next_user(conversation: Iterable[Message]) -> list[str]:
    said = []
    for message in conversation:
        if message.role == "user":
            break
        if message.content.strip():
            said.append(message.content)
    return said


def without_age(row: str) -> str:
    """A row of a table without its last column: two of them are equal if only time has passed."""
    return " ".join(row.split()[:-1])


def _is_message(line: str) -> bool:
    try:
        value = json.loads(line)
    except ValueError:
        return False
    match value:
        case {"id": int(), "role": str(), "content": str()}:
            return True
    return False
