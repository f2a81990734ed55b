"""The conversation on the disk. A later record of a message replaces the earlier one; the last turn counts."""

import functools
import logging
from pathlib import Path

from taskyard.sidecar.conversation.conversation import Conversation, Message, Role, Turn, TurnEnd
from taskyard.sidecar.conversation.records import Record, RecordFile
from taskyard.sidecar.conversation.status_store import StatusStore

logger = logging.getLogger(__name__)

SPARE = 1 << 20


class Archive:
    """Losing it loses text but no guarantee, so a disk failure is logged and the conversation continues in memory.

    `status` is kept in the same file.
    """

    def __init__(self, path: Path) -> None:
        self.status = StatusStore(functools.partial(self._append, sync=True))
        self._file = RecordFile(path)
        self._live = 0
        self._failing = False

    def load(self) -> Conversation:
        """The conversation as it was last written. Raises OSError when it cannot be read."""
        messages: dict[int, Message] = {}
        turn: Turn | None = None
        for record in self._file.load():
            message = _message(record.get("message"))
            if message is not None:
                messages[message.id] = message
            turn = _turn(record.get("turn")) or turn
            self.status.take(record)
        conversation = Conversation([messages[number] for number in sorted(messages)], turn)
        self._live = self._file.size
        return conversation

    def keep(self, conversation: Conversation, message: Message | None = None, *, sync: bool = False) -> None:
        """Writes the message, and the conversation's current turn."""
        record: Record = {}
        if message is not None:
            record["message"] = message._asdict()
        if conversation.turn is not None:
            record["turn"] = conversation.turn._asdict()
        self._append(record, sync=sync)
        self._shorten(conversation)

    def _append(self, record: Record, *, sync: bool) -> None:
        try:
            self._file.append(record, sync=sync)
        except OSError as error:
            if not self._failing:
                logger.error("conversation cannot be written to the disk: %s", error)
            self._failing = True
        else:
            self._failing = False

    def _shorten(self, conversation: Conversation) -> None:
        if self._file.size <= 2 * self._live + SPARE:
            return
        try:
            self._file.rewrite([*_records(conversation), self.status.record()])
            self._live = self._file.size
        except OSError as error:
            logger.error("file of the conversation cannot be compacted: %s", error)


def _records(conversation: Conversation) -> list[Record]:
    records: list[Record] = [{"message": message._asdict()} for message in conversation.messages]
    if conversation.turn is not None:
        records.append({"turn": conversation.turn._asdict()})
    return records


def _message(value: object) -> Message | None:
    match value:
        case {"id": int(number), "role": "user" | "agent" as role, "content": str(content), "time": str(time), **rest}:
            key = rest.get("key")
            return Message(number, Role(role), content, time, key if isinstance(key, str) else None)
    return None


def _turn(value: object) -> Turn | None:
    match value:
        case {"instance": str(instance), "position": int(position), "typed": str(typed), "after": int(after), **rest}:
            match rest.get("end"):
                case str(end) if end in set(TurnEnd):
                    return Turn(instance, position, typed, after, TurnEnd(end))
                case _:  # version 0.1 did not note it
                    return Turn(instance, position, typed, after, TurnEnd.DONE)
    return None
