"""The conversation with the agent: messages with ids from 0; the agent's last one may still grow. Pure.

Message 0 is what the agent showed before it got a message.
"""

import datetime
import enum
from typing import NamedTuple

MAX_MESSAGES = 10_000
MAX_CHARACTERS = 2 << 20


class Role(enum.StrEnum):
    USER = "user"
    AGENT = "agent"


class Message(NamedTuple):
    """`time` is when the message began, as RFC 3339 in UTC. `key` names the message in the journal and is never
    published.
    """

    id: int
    role: Role
    content: str
    time: str
    key: str | None = None

    def shown(self) -> dict[str, int | str]:
        return {"id": self.id, "content": self.content, "role": self.role.value, "time": self.time}


class TurnEnd(enum.StrEnum):
    """How a turn ended: the agent was done, or was asked to end (a pause, the end of the Pod). OPEN: it has not ended,
    or the agent is gone without a word.
    """

    OPEN = ""
    DONE = "done"
    STOPPED = "stopped"


class Turn(NamedTuple):
    """What the agent shows from `position` of its run `instance` on is the answer to `typed`.

    `after` is the id that the next message had when the turn began; the answer's id is not lower.
    """

    instance: str
    position: int
    typed: str
    after: int
    end: TurnEnd = TurnEnd.OPEN


def timestamp(now: datetime.datetime) -> str:
    return now.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Conversation:
    """Bounded: the oldest messages are dropped when there are too many; ids keep counting."""

    def __init__(self, messages: list[Message] | None = None, turn: Turn | None = None) -> None:
        self.messages = list(messages or [])
        self.turn = turn
        self._characters = sum(len(message.content) for message in self.messages)

    @property
    def next_id(self) -> int:
        return self.messages[-1].id + 1 if self.messages else 0

    @property
    def open_message(self) -> Message | None:
        """The agent's message that the current turn has produced so far."""
        last = self.messages[-1] if self.messages else None
        if self.turn is None or last is None or last.role is not Role.AGENT or last.id < self.turn.after:
            return None
        return last

    def last(self, role: Role) -> Message | None:
        return next((message for message in reversed(self.messages) if message.role is role), None)

    def find(self, key: str) -> Message | None:
        return next((message for message in reversed(self.messages) if message.key == key), None)

    def begin_run(self, instance: str) -> None:
        """Begins a new run of the agent: what it shows is a new message."""
        self.turn = Turn(instance, 0, "", self.next_id)

    def say(self, content: str, *, key: str, instance: str, position: int, now: datetime.datetime) -> Message:
        """Adds a user's message; what the agent shows from `position` on answers it."""
        message = Message(self.next_id, Role.USER, content, timestamp(now), key)
        self._add(message)
        self.turn = Turn(instance, position, content, self.next_id)
        return message

    def end_turn(self, end: TurnEnd) -> bool:
        """Notes how the turn ended, unless that is known. True when that is new."""
        if self.turn is None or not self.turn.typed or self.turn.end is not TurnEnd.OPEN:
            return False
        self.turn = self.turn._replace(end=end)
        return True

    def answer(self, content: str, now: datetime.datetime) -> Message | None:
        """Sets the agent's message of the current turn to `content`. None when that changes nothing."""
        opened = self.open_message
        if opened is None:
            message = Message(self.next_id, Role.AGENT, content, timestamp(now))
            self._add(message)
            return message
        if opened.content == content:
            return None
        message = opened._replace(content=content)
        self.messages[-1] = message
        self._characters += len(content) - len(opened.content)
        return message

    def _add(self, message: Message) -> None:
        self.messages.append(message)
        self._characters += len(message.content)
        while len(self.messages) > MAX_MESSAGES or (self._characters > MAX_CHARACTERS and len(self.messages) > 1):
            self._characters -= len(self.messages.pop(0).content)
