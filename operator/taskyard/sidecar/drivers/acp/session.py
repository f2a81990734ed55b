"""The state of a session with an ACP agent that the sidecar keeps in the state directory."""

import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from taskyard.sidecar.conversation.records import RecordFile
from taskyard.sidecar.drivers.acp import commands

logger = logging.getLogger(__name__)

ANSWERED_KEPT = 200


@dataclass
class Kept:
    """`session` was opened in the agent's run `instance`; `prompt` is the number of the request that the agent works
    on, `written` whether that was certainly sent; `answered` are the ids of the questions that have been answered;
    `commands` are the names of the agent's own commands, as it told them last.
    """

    instance: str = ""
    session: str = ""
    next_number: int = 1
    prompt: int | None = None
    written: bool = False
    answered: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)


class AcpSession(Kept):
    """Each change is followed by `save`. A disk failure is logged: the session then ends with the sidecar."""

    def __init__(self, file: RecordFile, kept: Kept) -> None:
        super().__init__(**asdict(kept))
        self._file = file

    @classmethod
    def load(cls, path: Path) -> "AcpSession":
        file = RecordFile(path)
        try:
            records = file.load()
        except OSError as error:
            logger.error("the agent's session cannot be read: %s", error)
            records = []
        return cls(file, _kept(records[-1] if records else None))

    def save(self) -> None:
        self.answered = self.answered[-ANSWERED_KEPT:]
        try:
            self._file.rewrite([asdict(self)])
        except OSError as error:
            logger.error("the agent's session cannot be saved: %s", error)

    def take_number(self) -> int:
        """A request number that neither this nor an earlier sidecar has used."""
        number = self.next_number
        self.next_number += 1
        self.save()
        return number

    def begin_prompt(self) -> int:
        """The number of a prompt that is about to be sent."""
        number = self.next_number
        self.next_number += 1
        self.prompt, self.written = number, False
        self.save()
        return number

    def take_commands(self, names: list[str]) -> None:
        if names != self.commands:
            self.commands = names
            self.save()

    def end_prompt(self) -> None:
        self.prompt = None
        self.save()


def _kept(record: Any) -> Kept:
    match record:
        case {
            "instance": str(instance),
            "session": str(session),
            "next_number": int(number),
            "prompt": int() | None as prompt,
            "written": bool(written),
            "answered": list(answered),
        }:
            names = [name for name in answered if isinstance(name, str)]
            return Kept(instance, session, number, prompt, written, names, commands.stored(record))
    return Kept()
