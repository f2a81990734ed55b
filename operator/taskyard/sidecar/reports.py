"""What is told about the agent's state: working or idle, and one short line. Pure."""

import re
from dataclasses import dataclass

from taskyard.sidecar.conversation import Conversation, Role
from taskyard.sidecar.driver import Status

SLUG = "taskyard"
LONGEST = 160
ELLIPSIS = "…"
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\|$)|[ -/]*[0-~])")


@dataclass(frozen=True)
class Report:
    """`prompt_sha256` is that of the prompt that was typed last, in hex; None while none was."""

    state: str
    message: str
    prompt_sha256: str | None = None

    def body(self) -> dict[str, str]:
        body = {"app_slug": SLUG, "state": self.state, "message": self.message, "uri": ""}
        if self.prompt_sha256 is not None:
            body["prompt_sha256"] = self.prompt_sha256
        return body


def report(status: Status, conversation: Conversation, prompt_sha256: str | None) -> Report:
    """Working: the first line of what the user said last. Idle: the last line of what the agent said last."""
    if status is Status.RUNNING:
        asked = conversation.last(Role.USER)
        return Report("working", sanitise(_first_line(asked.content) if asked else ""), prompt_sha256)
    said = conversation.last(Role.AGENT)
    return Report("idle", sanitise(_last_line(said.content) if said else ""), prompt_sha256)


def sanitise(text: str, limit: int = LONGEST) -> str:
    """One printable line of at most `limit` bytes of UTF-8, never cut inside a character."""
    text = ESCAPES.sub("", text)
    text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(text.split())
    encoded = text.encode(errors="replace")
    if len(encoded) <= limit:
        return encoded.decode()
    room = limit - len(ELLIPSIS.encode())
    return encoded[:room].decode(errors="ignore").rstrip() + ELLIPSIS


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")
