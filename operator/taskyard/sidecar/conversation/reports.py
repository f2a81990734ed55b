"""What is reported about the agent: its state, one short line, a link. Pure."""

import enum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from taskyard.core.text_sanitizer import one_line
from taskyard.limits import MAX_LINK_CHARACTERS, MAX_STARTING_CHARACTERS, MAX_STATE_MESSAGE_BYTES
from taskyard.sidecar.conversation.content import typable
from taskyard.sidecar.conversation.conversation import Conversation, Turn, TurnEnd
from taskyard.sidecar.conversation.status import Status

SLUG = "taskyard"
NOT_READING = "NotReading"
ELLIPSIS = "…"


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


class AgentReport(NamedTuple):
    """What the agent reports about itself, in that build. Without a state, only summary and link still count."""

    state: State | None
    summary: str
    link: str = ""
    build: int = 0

    def after_change(self) -> "AgentReport":
        """What still counts once the screen shows something newer: complete and failed last until the next message."""
        return self if self.state in LASTING else self._replace(state=None)


class Starting(NamedTuple):
    """What keeps the first prompt from the agent: `reason` is NOT_READING once the time for that is over, else empty;
    `message` is one line that says what is waited for, such as "npm runs, and nothing reads the terminal"."""

    reason: str = ""
    message: str = ""


class Report(NamedTuple):
    """`prompt_sha256` is the digest of the last prompt that was typed, in hex; None until one was. `question` is the
    agent's open question, reported only for an agent that `asks` people. `starting` is what keeps the first prompt from
    the agent, None when nothing does, reported only when `follows_start`. What is not reported stays as the gateway
    knows it.
    """

    state: State
    message: str
    prompt_sha256: str | None = None
    uri: str = ""
    asks: bool = False
    question: dict[str, Any] | None = None
    follows_start: bool = False
    starting: Starting | None = None

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
        if self.follows_start:
            found = self.starting
            message = found.message[:MAX_STARTING_CHARACTERS] if found else ""
            body["starting"] = {"reason": found.reason, "message": message} if found else None
        return body


def report(
    status: Status,
    conversation: Conversation,
    *,
    instance: str,
    question: str = "",
    trouble: str = "",
    refused: bool = False,
    notice: str = "",
    summary: str = "",
    agent_report: AgentReport | None = None,
    prompt_sha256: str | None = None,
) -> Report:
    """The question that the agent asks, else the trouble that keeps the prompt from it, else its own report, else what
    is observed.

    Working: the first line of the message that is being worked on. Idle: the `summary` of the answer to it,
    else its last line. Before the
    first message to this run of the agent, `instance`: how the run before was cut short (`notice`), else nothing.
    `refused`: the trouble is for good, so the agent failed.
    """
    seen = State.WORKING if status is Status.RUNNING else State.IDLE
    if question:
        return Report(State.WORKING, sanitise(f"Asks: {question}"), prompt_sha256)
    if trouble:
        return Report(State.FAILED if refused else State.WORKING, sanitise(trouble), prompt_sha256)
    if agent_report is not None:
        return Report(agent_report.state or seen, agent_report.summary, prompt_sha256, agent_report.link)
    turn = conversation.turn
    if turn is None or not turn.typed or turn.instance != instance:
        return Report(seen, sanitise(notice), prompt_sha256)
    if seen is State.WORKING:
        return Report(seen, sanitise(_first_line(typable(turn.typed))), prompt_sha256)
    said = conversation.open_message
    return Report(seen, sanitise(summary or _last_line(said.content)) if said else "", prompt_sha256)


def starting(waits_for: str, not_reading: str) -> Starting | None:
    """What keeps the first prompt from the agent: what it waits for, and once the time for that is over (not_reading),
    why.
    """
    if not_reading:
        return Starting(NOT_READING, sanitise(not_reading, MAX_STARTING_CHARACTERS))
    return Starting("", sanitise(waits_for, MAX_STARTING_CHARACTERS)) if waits_for else None


def notice(turn: Turn | None, *, same_pod: bool) -> str:
    """What to say of the `turn` before, now that the agent runs anew: empty if that turn was at its end. `same_pod`:
    this Pod's agent has run before.
    """
    if turn is None or not turn.typed:
        return ""
    if turn.end is TurnEnd.STOPPED:
        return f"Interrupted by the pause or end of its Pod, and not repeated: {_first_line(turn.typed)}"
    if turn.end is TurnEnd.OPEN:
        return f"The agent began anew in the middle of a turn, which was not repeated: {_first_line(turn.typed)}"
    return "The agent began anew; the prompt was not repeated" if same_pod else ""


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
    """One line without control characters, of at most `limit` bytes of UTF-8, never cut inside a character."""
    text = one_line(text)
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    room = limit - len(ELLIPSIS.encode())
    return one_line(encoded[:room].decode(errors="ignore")) + ELLIPSIS


def _is_link(link: str) -> bool:
    if link != one_line(link) or any(character.isspace() for character in link):
        return False
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _first_line(text: str) -> str:
    return next((line for line in text.split("\n") if line.strip()), "")


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.split("\n")) if line.strip()), "")
