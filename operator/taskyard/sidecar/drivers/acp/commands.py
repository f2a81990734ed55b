"""The commands that an ACP agent says it has. It runs a prompt that begins with one. Pure."""

from collections.abc import Collection
from typing import Any

KEPT = 500
CHARACTERS = 100


def advertised(update: object) -> list[str] | None:
    """The names in a `session/update` that lists the agent's commands; None for any other update."""
    match update:
        case {"sessionUpdate": "available_commands_update", "availableCommands": list(commands)}:
            names = (command.get("name") for command in commands if isinstance(command, dict))
            return [name for name in names if isinstance(name, str) and 0 < len(name) <= CHARACTERS][:KEPT]
    return None


def refusal(text: str, commands: Collection[str]) -> str:
    """Why the agent would not take the text as said; empty when it does."""
    words = text.split(maxsplit=1)
    if not words or not words[0].startswith("/") or words[0].removeprefix("/") not in commands:
        return ""
    return (
        f"the agent runs {words[0]!r} as a command of its own instead of hearing it: send it as type Control if that "
        "is meant, else word it otherwise"
    )


def stored(record: dict[str, Any]) -> list[str]:
    """The names in a stored session, which may be from a sidecar that kept none."""
    found = record.get("commands")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
