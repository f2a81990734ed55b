"""What is reported about the agent: its state, one short line, a link. Pure."""

import enum
import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from taskyard.limits import MAX_LINK_CHARACTERS, MAX_STATE_MESSAGE_BYTES
from taskyard.sidecar.conversation.conversation import Conversation
from taskyard.sidecar.conversation.status import Status

SLUG = "taskyard"
ELLIPSIS = "…"
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\|$)|[ -/]*[0-~])")


class State(enum.StrEnum):
    """What the agent does. It may report any of them; its screen shows only the first two."""

    WORKING = "working"
    IDLE = "idle"
    COMPLETE = "complete"
    FAILED = "failed"


WIRE = {State.FAILED: "failure"}
LASTING = (State.COMPLETE, State.FAILED)


class AgentReportError(ValueError):
    """The agent's report is not accepted; the text is for the agent."""


@dataclass(frozen=True)
class AgentReport:
    """What the agent reports about itself, in that build. Without a state, only summary and link still count."""

    state: State | None
    summary: str
    link: str = ""
    build: int = 0

    def after_change(self) -> "AgentReport":
        """What still counts once the screen shows something newer: complete and failed last until the next message."""
        return self if self.state in LASTING else replace(self, state=None)


@dataclass(frozen=True)
class Report:
    """`prompt_sha256` is the digest of the last prompt that was typed, in hex; None until one was. `question` is the
    agent's open question, reported only for an agent that `asks` people.
    """

    state: State
    message: str
    prompt_sha256: str | None = None
    uri: str = ""
    asks: bool = False
    question: dict[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "app_slug": SLUG,
            "state": WIRE.get(self.state, self.state.value),
            "message": self.message,
            "uri": self.uri,
        }
        if self.prompt_sha256 is not None:
            body["prompt_sha256"] = self.prompt_sha256
        if self.asks:
            body["question"] = self.question
        return body


def report(
    status: Status,
    conversation: Conversation,
    *,
    instance: str,
    question: str = "",
    trouble: str = "",
    agent_report: AgentReport | None = None,
    prompt_sha256: str | None = None,
) -> Report:
    """The question that the agent asks, else the trouble that keeps the prompt from it, else its own report, else what
    is observed.

    Working: the first line of the message that is being worked on. Idle: the last line of the answer to it. Both are
    empty before the first message to this run of the agent, `instance`.
    """
    seen = State.WORKING if status is Status.RUNNING else State.IDLE
    if question:
        return Report(State.WORKING, sanitise(f"Asks: {question}"), prompt_sha256)
    if trouble:
        return Report(State.WORKING, sanitise(trouble), prompt_sha256)
    if agent_report is not None:
        return Report(agent_report.state or seen, agent_report.summary, prompt_sha256, agent_report.link)
    turn = conversation.turn
    if turn is None or not turn.typed or turn.instance != instance:
        return Report(seen, "", prompt_sha256)
    if seen is State.WORKING:
        return Report(seen, sanitise(_first_line(turn.typed)), prompt_sha256)
    said = conversation.open_message
    return Report(seen, sanitise(_last_line(said.content)) if said else "", prompt_sha256)


def agent_report(state: object, summary: object, link: object = "", *, build: int = 0) -> AgentReport:
    """What the agent sent, as a report. A summary that is too long is cut. Raises AgentReportError."""
    if not isinstance(state, str) or state not in set(State):
        raise AgentReportError(f"state must be one of {', '.join(State)}")
    line = sanitise(summary) if isinstance(summary, str) else ""
    if not line:
        raise AgentReportError("summary must be a line of text")
    if link is None or link == "":
        return AgentReport(State(state), line, "", build)
    if not isinstance(link, str) or len(link) > MAX_LINK_CHARACTERS or not _is_link(link):
        raise AgentReportError(f"link must be an http or https URL of at most {MAX_LINK_CHARACTERS} characters")
    return AgentReport(State(state), line, link, build)


def result(
    exit_status: int, conversation: Conversation, *, agent_report: AgentReport | None, build: int = 0
) -> AgentReport:
    """The result of a command that ended: complete for status 0, else failed, with its last line. The agent's own
    report of the same state takes precedence.
    """
    state = State.COMPLETE if exit_status == 0 else State.FAILED
    if agent_report is not None and agent_report.state is state:
        return agent_report
    said = conversation.open_message
    line = _last_line(said.content) if said else ""
    if state is State.FAILED:
        line = f"Exit status {exit_status}: {line}" if line else f"Exit status {exit_status}"
    return AgentReport(state, sanitise(line), agent_report.link if agent_report else "", build)


def sanitise(text: str, limit: int = MAX_STATE_MESSAGE_BYTES) -> str:
    """One printable line of at most `limit` bytes of UTF-8, never cut inside a character."""
    text = ESCAPES.sub("", text)
    text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(text.split())
    encoded = text.encode(errors="replace")
    if len(encoded) <= limit:
        return encoded.decode()
    room = limit - len(ELLIPSIS.encode())
    return encoded[:room].decode(errors="ignore").rstrip() + ELLIPSIS


def _is_link(link: str) -> bool:
    if not link.isprintable() or " " in link:
        return False
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")
