"""Messages of a conversation as entries of the log. Pure."""

from typing import Any

_TYPES = {"user": "input", "agent": "output"}


def log_entries(messages: object) -> list[dict[str, Any]] | None:
    """Messages of the AgentAPI contract as entries of a log; None when they are malformed or have an unknown role."""
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
    """The text with lone surrogates replaced: JSON can contain them, but UTF-8 cannot encode them."""
    return text.encode("utf-8", "replace").decode()
