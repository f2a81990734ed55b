"""What was said, as the log has it. Pure."""

from typing import Any

_TYPES = {"user": "input", "agent": "output"}


def log_entries(messages: object) -> list[dict[str, Any]] | None:
    """Messages of the AgentAPI contract as entries of a log; None when they are none, or of a role that is unknown."""
    if not isinstance(messages, list):
        return None
    entries = []
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("id"), int):
            return None
        role = message.get("role")
        if not isinstance(role, str) or role not in _TYPES:
            return None
        entries.append(
            {
                "id": message["id"],
                "content": sendable(str(message.get("content", ""))),
                "type": _TYPES[role],
                "time": str(message.get("time", "")),
            }
        )
    return entries


def sendable(text: str) -> str:
    """The text without what is no character: JSON can name halves of surrogate pairs, which UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()
